// Follows what was measured last. A data set that the judge of digits knows nothing about has its diversity only.
const t = (key, values) => ganLive.t('quality.' + key, values);
const find = selector => element.querySelector(selector);
const DECIMALS = {digit_fid: 2, kid: 3, precision: 2, recall: 2, diversity: 2, nearest_real: 2};
let view = null;

function put(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

function show() {
  for (const node of element.querySelectorAll('[data-t]')) put(node, t(node.dataset.t));
  const measured = (view && view.run && view.measured) || {}, {newest, floor} = measured;
  find('table').hidden = !newest;
  find('.gq-none').hidden = Boolean(floor);
  put(find('.gq-none'), t(newest ? 'unavailable' : 'none'));
  put(find('.gq-step'), newest ? t('at', {step: newest.step.toLocaleString('en-US')}) : '');
  if (!newest) return;
  for (const row of element.querySelectorAll('[data-row]')) {
    const name = row.dataset.row, real = name === 'diversity' && !floor ? newest.diversity_of_reals : (floor || {})[name];
    const number = value => Number.isFinite(value) ? value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : DECIMALS[name]) : '–';
    row.hidden = !(name in newest);
    put(row.cells[1], number(newest[name]));
    put(row.cells[2], number(real));
  }
}

ganLive.on('view', fresh => { view = fresh; show(); });
ganLive.on('language', show);
