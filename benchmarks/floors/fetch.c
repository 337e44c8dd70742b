/* The floor of fetching: bare sockets and epoll, one thread, numeric hosts, no HTTP library, nothing judged.
   fetch URLS IN_FLIGHT; prints how many answers began with "HTTP/1.1 200". */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM (8 << 20)

struct transfer { int socket; size_t length; char request[2048]; int asked; char *answer; };

static int begin(int poll, struct transfer *transfer, FILE *urls) {
  char url[2000], host[64], path[1900];
  int port = 80;
  if (!fgets(url, sizeof url, urls)) return 0;
  if (sscanf(url, "http://%63[0-9.]:%d%1899s", host, &port, path) != 3) exit(2);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &address.sin_addr);
  snprintf(transfer->request, sizeof transfer->request,
           "GET %s HTTP/1.1\r\nHost: %s:%d\r\nAccept: */*\r\nConnection: close\r\n\r\n", path, host, port);
  transfer->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  transfer->length = transfer->asked = 0;
  if (connect(transfer->socket, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) exit(2);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = transfer};
  epoll_ctl(poll, EPOLL_CTL_ADD, transfer->socket, &event);
  return 1;
}

/* 1 when the answer has ended */
static int go_on(struct transfer *transfer, unsigned events) {
  if (!transfer->asked && events & EPOLLOUT) {
    size_t length = strlen(transfer->request);
    if (write(transfer->socket, transfer->request, length) != (ssize_t)length) return 1;
    transfer->asked = 1;
  }
  for (;;) {
    ssize_t got = read(transfer->socket, transfer->answer + transfer->length, ROOM - transfer->length);
    if (got < 0) return errno != EAGAIN;
    if (got == 0) return 1;
    transfer->length += got;
  }
}

int main(int argc, char **argv) {
  FILE *urls = argc == 3 ? fopen(argv[1], "r") : NULL;
  if (!urls) return 2;
  int wanted = atoi(argv[2]), in_flight = 0, good = 0, poll = epoll_create1(EPOLL_CLOEXEC);
  struct transfer *transfers = calloc(wanted, sizeof *transfers);
  for (int i = 0; i < wanted; i++) {
    transfers[i].answer = malloc(ROOM); /* pages are touched only as far as an answer reaches */
    in_flight += begin(poll, &transfers[i], urls);
  }
  while (in_flight) {
    struct epoll_event events[256];
    int ready = epoll_wait(poll, events, 256, 10000);
    if (ready <= 0) return 3;
    for (int i = 0; i < ready; i++) {
      struct transfer *transfer = events[i].data.ptr;
      if (!go_on(transfer, events[i].events)) continue;
      good += transfer->length > 12 && !memcmp(transfer->answer, "HTTP/1.1 200", 12);
      close(transfer->socket);
      in_flight += begin(poll, transfer, urls) - 1;
    }
  }
  printf("%d\n", good);
  return 0;
}
