// Follows what was measured last. A data set that the judge of digits knows nothing about has its diversity only, and
// the other rows say so.
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
  const over = ['finished', 'stopped', 'failed'].includes(view && view.run && view.status);
  put(find('.gq-none'), t(newest ? 'unavailable' : over ? 'never' : 'none'));
  put(find('.gq-step'), newest ? t(newest.count ? 'at_of' : 'at', {step: newest.step.toLocaleString('en-US'), count: (newest.count || 0).toLocaleString('en-US')}) : '');
  if (!newest) return;
  // the distance between two samples falls with their size: without it, 0.43 here and 0.09 elsewhere contradict each other
  put(find('[data-t=reals]'), !floor ? t('reals_otherwise') : floor.count ? t('reals_of', {count: floor.count.toLocaleString('en-US')}) : t('reals'));
  for (const row of element.querySelectorAll('[data-row]')) {
    const name = row.dataset.row, real = name === 'diversity' && !floor ? newest.diversity_of_reals : (floor || {})[name];
    const number = value => Number.isFinite(value) ? value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : DECIMALS[name]) : '–';
    row.classList.toggle('gq-absent', !(name in newest));
    put(row.cells[1], name in newest ? number(newest[name]) : t('not_available'));
    put(row.cells[2], name in newest ? number(real) : '');
  }
}

ganLive.on('view', fresh => { view = fresh; show(); });
ganLive.on('language', show);
