"""The style that the pages share."""

STYLE = """
:root { --ink: #1c2733; --muted: #5b6875; --line: #dfe5ea; --soft: #f5f7f9; color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #eef1f4; color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Verdana, sans-serif; }
main { max-width: 1220px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 27px; line-height: 1.2; margin: 0 0 6px; }
h2 { font-size: 19px; margin: 0 0 12px; }
header p, figcaption, caption { color: var(--muted); }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 20px 22px; margin: 0 0 18px; }
.pair { display: flex; flex-wrap: wrap; gap: 18px; align-items: flex-start; margin: 0 0 18px; }
.pair section { flex: 1 1 420px; min-width: 0; margin: 0; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-size: 13px; line-height: 1.5; margin-top: 10px; max-width: 108ch; }
svg { display: block; width: 100%; height: auto; margin: 0 auto; }
.scroll { overflow-x: auto; }
.nothing { background: var(--soft); border-radius: 8px; padding: 14px 16px; color: var(--muted); font-size: 14px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 5px 9px; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
th { color: var(--muted); font-weight: 600; font-size: 12.5px; border-bottom-color: #b8c2cc; }
td.text, th.text { text-align: left; }
td.reason { text-align: left; white-space: normal; overflow-wrap: anywhere; font-size: 12.5px; }
caption { caption-side: bottom; text-align: left; font-size: 13px; padding-top: 9px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 16px; margin: 0; font-size: 13.5px; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
@media print { body { background: #fff; } .scroll { overflow: visible; } }
"""
