"""The contact sheet's style: one string that fetches nothing. Light and dark, one to many columns."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root {
  --page: #f6f5f2; --ink: #1d1d1f; --soft: #6a6a70; --line: #e2e0da; --card: #fff; --mat: #fff;
  --good: #1f7a4d; --good-page: #e3f3ea; --bad: #a4452c; --bad-page: #f9e9e3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #141416; --ink: #ececee; --soft: #9a9aa2; --line: #2c2c31; --card: #1c1c20; --mat: #fff;
    --good: #7fd6a6; --good-page: #17301f; --bad: #f0a58c; --bad-page: #38211a;
  }
}
* { box-sizing: border-box; margin: 0; }
body {
  background: var(--page); color: var(--ink); padding: clamp(1rem, 4vw, 3.5rem); max-width: 110rem; margin-inline: auto;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
header { max-width: 46rem; margin-bottom: 2.5rem; }
h1 { font-size: clamp(1.6rem, 3.5vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em; margin-bottom: .75rem; text-wrap: balance; }
header p { font-size: 1.05rem; color: var(--soft); text-wrap: pretty; }
h2 { font-size: 1.1rem; margin-bottom: 1rem; letter-spacing: -.01em; }
.count { color: var(--soft); font-weight: 400; margin-left: .25rem; }
section { margin-bottom: 3rem; }
ul { list-style: none; padding: 0; }
.tally { display: flex; flex-wrap: wrap; gap: .4rem; margin-top: 1.25rem; }
.tally li { border-radius: 99px; padding: .15rem .7rem; font-size: .85rem; }
.good { color: var(--good); background: var(--good-page); }
.bad { color: var(--bad); background: var(--bad-page); }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(10.5rem, 44vw), 1fr)); }
.grid > li { content-visibility: auto; contain-intrinsic-size: auto 16rem; }
figure { height: 100%; background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; display: flex; flex-direction: column; }
.mat { background: var(--mat); aspect-ratio: 1; padding: 9%; display: grid; place-items: center; overflow: hidden; }
.mat img { width: 100%; height: 100%; object-fit: contain; display: block; min-height: 0; }
figcaption { padding: .6rem .75rem .7rem; border-top: 1px solid var(--line); flex: 1; display: flex; flex-direction: column; gap: .25rem; }
.caption { overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; line-height: 1.35; }
.facts { margin-top: auto; color: var(--soft); font-size: .75rem; display: flex; gap: .6rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
.notes { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)); }
.notes li { background: var(--card); border: 1px solid var(--line); border-left: 3px solid var(--bad); border-radius: 8px; padding: .75rem .9rem; }
.label { color: var(--bad); font-size: .8rem; font-weight: 600; margin-bottom: .15rem; }
.label::first-letter, .why::first-letter { text-transform: uppercase; }
.why { color: var(--soft); font-size: .85rem; margin-top: .35rem; overflow-wrap: anywhere; }
.url { color: var(--soft); font: .72rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; margin-top: .35rem; overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: .85rem; max-width: 46rem; border-top: 1px solid var(--line); padding-top: 1rem; }
@media print { body { padding: 0; } .grid > li { break-inside: avoid; content-visibility: visible; } }
"""  # noqa: E501 (CSS reads better with one rule a line)
