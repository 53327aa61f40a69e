/* What a chart shows at the pointer, at a touch, or where the arrow keys have gone: the row of its own table that is
   nearest. Without this the page reads as well, by its tables. */
const hint = document.createElement('p');
hint.className = 'note';
hint.textContent = 'Point at a chart, or focus it and use the arrow keys: it reads out what it shows there.';
document.querySelector('.figures')?.before(hint);

for (const figure of document.querySelectorAll('figure:has(svg[data-left])')) {
  const svg = figure.querySelector('svg[data-left]');
  const { left, right, from, until, scale } = svg.dataset;
  const place = {
    linear: (x) => x,
    doublings: (x) => Math.log2(x),
    nines: (x) => -Math.log10(1 - x / 100),
  }[scale];
  const cells = (row) => [...row.children].map((cell) => cell.textContent.trim());
  const head = cells(figure.querySelector('thead tr'));
  const rows = [...figure.querySelectorAll('tbody tr')]
    .map(cells)
    .map((row) => ({ row, x: place(parseFloat(row[0].replace(/\s/g, ''))) }))
    .filter(({ x }) => Number.isFinite(x) && x >= from && x <= until);
  if (!rows.length) continue;

  const pixel = (x) => +left + ((x - from) / (until - from)) * (right - left);
  const readout = document.createElement('p');
  readout.className = 'readout';
  readout.setAttribute('aria-live', 'polite');
  figure.querySelector('.scroll').after(readout);
  const cursor = document.createElementNS(svg.namespaceURI, 'line');
  cursor.setAttribute('class', 'cursor');
  cursor.setAttribute('y1', svg.dataset.top);
  cursor.setAttribute('y2', svg.dataset.bottom);
  let at = -1;

  const show = (index) => {
    at = Math.max(0, Math.min(rows.length - 1, index));
    const { row, x } = rows[at];
    cursor.setAttribute('x1', pixel(x));
    cursor.setAttribute('x2', pixel(x));
    svg.append(cursor);
    readout.textContent = row.map((cell, column) => `${head[column]} ${cell}`).join(' · ');
  };
  const point = (event) => {
    const box = svg.getBoundingClientRect();
    const pointed = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const distance = ({ x }) => Math.abs(pixel(x) - pointed);
    show(rows.reduce((best, row, index) => (distance(row) < distance(rows[best]) ? index : best), 0));
  };
  svg.addEventListener('pointermove', point);
  svg.addEventListener('pointerdown', point);
  const frame = figure.querySelector('.scroll');
  frame.addEventListener('keydown', (event) => {
    const index = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (index === undefined) return;
    event.preventDefault();
    show(index);
  });
}
