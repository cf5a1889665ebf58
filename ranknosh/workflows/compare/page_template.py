"""The skeleton of a comparison's page."""

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Comparison: {{ name }}</title>
<style>{{ style | safe }}
td.code { text-align: left; font: 11.5px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
td.wrap, td.code { white-space: normal; overflow-wrap: anywhere; }
tr.figures td { border-bottom: 0; padding-bottom: 0; }
tr.figures td:first-child { font-weight: 600; }
tr.finds td { padding-top: 1px; }
span.seeds { color: var(--muted); }
tr.reference td { background: var(--soft); }
ul { margin: 12px 0 0; padding-left: 18px; color: var(--muted); font-size: 13px; }
.cells { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 22px; }
.cells svg { max-width: 470px; font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Verdana, sans-serif; }
.arch { font: 12px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere;
  background: var(--soft); border-radius: 6px; padding: 7px 10px; margin: 8px 0; }
pre { font: 12px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; background: var(--soft); border-radius: 6px;
  padding: 10px 12px; white-space: pre-wrap; overflow-wrap: anywhere; }
h3 { font-size: 14px; margin: 18px 0 6px; }
</style>
</head>
<body>
<main>
<header>
<h1>{{ name }}</h1>
<p>Search methods compared with RankNOSH: {{ title }}</p>
</header>

<section id="table">
<h2>Methods</h2>
{% if rows %}
<div class="scroll"><table>
<thead><tr>
{% for word in head %}
<th{{ ' class="text"' | safe if loop.first }}>{{ word }}</th>
{% endfor %}
</tr></thead>
<tbody>
{% for row in rows %}
<tr class="figures{{ ' reference' if row.reference }}">
{% for cell in row.cells %}
<td{{ ' class="text"' | safe if loop.first }}>{{ cell }}</td>
{% endfor %}
</tr>
<tr class="finds{{ ' reference' if row.reference }}"><td class="code" colspan="{{ head | length }}">
{% for seeds, text in row.finds %}
<div>{{ breakable(text) | safe }} <span class="seeds">{{ seeds }}</span></div>
{% endfor %}
</td></tr>
{% endfor %}
</tbody>
</table></div>
<ul>
{% for note in notes %}
<li>{{ note }}</li>
{% endfor %}
</ul>
{% else %}
<div class="nothing">{{ unknown }}: no search has ended yet.</div>
{% endif %}
</section>

{% for panel in panels %}
<section id="{{ panel.name }}">
<h2>{{ panel.title }}</h2>
{% if panel.svg %}
<figure><div class="scroll">{{ panel.svg | safe }}</div><figcaption>{{ panel.caption }}</figcaption></figure>
{% else %}
<div class="nothing">{{ panel.caption }}</div>
{% endif %}
</section>
{% endfor %}

<section id="cells">
<h2>Found cells</h2>
{% if cells %}
<div class="cells">
{% for cell in cells %}
<figure>
<h3>{{ cell.by }}</h3>
{% if cell.svg %}
{{ cell.svg | safe }}
<figcaption>{{ cell.words }}</figcaption>
{% else %}
<div class="arch">{{ breakable(cell.text) | safe }}</div>
{% endif %}
</figure>
{% endfor %}
</div>
{% else %}
<div class="nothing">{{ unknown }}: nothing was found yet.</div>
{% endif %}
</section>

<section id="runs">
<h2>Every run</h2>
<div class="scroll"><table>
<thead><tr><th class="text">method</th><th>seed</th><th>validation</th><th>test</th><th>true accuracy</th><th>device time</th>
<th>wall time</th><th>work</th><th class="text">ended</th><th class="text">folder</th></tr></thead>
<tbody>
{% for run in runs %}
<tr><td class="text">{{ run.method }}</td><td>{{ run.seed }}</td><td>{{ run.validation }}</td><td>{{ run.test }}</td>
<td>{{ run.truth }}</td><td>{{ run.cost }}</td><td>{{ run.wall }}</td><td>{{ run.work }}</td>
<td class="text wrap">{{ run.ended }}</td><td class="text">{{ run.folder }}</td></tr>
{% endfor %}
</tbody>
</table></div>
</section>

<section id="origin">
<h2>How this was made</h2>
<dl>
{% for fact, value in facts %}
<dt>{{ fact }}</dt><dd>{{ value }}</dd>
{% endfor %}
</dl>
<h3>Commands</h3>
<pre>{% for command in commands %}{{ command }}
{% endfor %}</pre>
<h3>Versions</h3>
<pre>{% for package, version in versions %}{{ package }} {{ version }}
{% endfor %}</pre>
<h3>Configuration</h3>
<pre>{{ config }}</pre>
</section>
</main>
</body>
</html>
"""
