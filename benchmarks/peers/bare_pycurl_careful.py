"""The bare libcurl loop with pixels as good as everybody else's: whole decode, area filter."""

from bare_pycurl import main, pixels, run

main(pixels.to_careful_pixels)
run.finish()
