// The family of a run: what it branched from, and all that branched from these, as bars over one axis of steps.

/** Runs the card. `choose(run)` is called with the run of a pressed row. */
function makeTree(root, {choose, word}) {
  const list = root.querySelector('.tt-rows');

  /** The runs related to this one, each with its depth, a parent before its branches. */
  function family(runs, id) {
    const known = new Map(runs.map(run => [run.id, run]));
    const parent = run => run.parent && known.get(run.parent.run), rows = [], climbed = new Set();
    let top = known.get(id);
    while (top && parent(top) && !climbed.has(top)) { climbed.add(top); top = parent(top); }
    if (!top) return [];
    // a parent that was deleted still says where its branches came from
    const gone = top.parent && !known.has(top.parent.run) ? top.parent.run : '';
    const inOrder = (a, b) => a.parent.step - b.parent.step || (a.id < b.id ? -1 : 1);
    const children = of => runs.filter(run => run.parent && run.parent.run === of).sort(inOrder);
    const add = (run, depth) => {
      if (rows.some(row => row.id === run.id)) return;
      rows.push({...run, depth});
      children(run.id).forEach(child => add(child, depth + 1));
    };
    if (gone) {
      rows.push({id: gone, gone: true, depth: 0, step: Math.max(...children(gone).map(child => child.parent.step))});
      children(gone).forEach(child => add(child, 1));
    } else add(top, 0);
    return rows;
  }

  function show(runs, id) {
    const rows = family(runs, id), alone = rows.length < 2, most = Math.max(1, ...rows.map(row => row.step)), known = new Map();
    root.querySelector('.tt-none').hidden = !alone;
    for (const item of list.children) known.set(item.dataset.run, item);
    const wanted = alone ? [] : rows;
    for (const [run, item] of known) if (!wanted.some(row => row.id === run)) item.remove();
    wanted.forEach((row, place) => {
      let item = known.get(row.id);
      if (!item) {
        item = document.createElement('li');
        item.dataset.run = row.id;
        item.innerHTML = '<button type="button"><span class="tt-name"></span><span class="tt-bar" aria-hidden="true"><i></i></span>' +
          '<small></small></button>';
        item.firstChild.addEventListener('click', () => choose(row.id));
      }
      if (list.children[place] !== item) list.insertBefore(item, list.children[place] || null);
      const from = row.parent ? row.parent.step : 0, button = item.firstChild, [name, bar, about] = button.children;
      button.disabled = Boolean(row.gone);
      button.setAttribute('aria-current', String(row.id === id));
      button.style.setProperty('--tt-depth', row.depth);
      const short = row.id.length > 20 ? row.id.slice(0, 15) + '…' + row.id.slice(-4) : row.id;
      setWords(name, [row.depth ? '└ ' : '', row.preset ? row.preset + ' · ' : '', short].join(''));
      button.title = row.id;
      bar.firstChild.style.left = 100 * from / most + '%';
      bar.firstChild.style.width = Math.max(1, 100 * (row.step - from) / most) + '%';
      const number = value => value.toLocaleString('en-US');
      setWords(about, row.gone ? word('tree_gone') : [
        row.parent ? word('tree_from', {step: number(from)}) : '', word('at', {step: number(row.step)}), ganLive.t('status.is_' + row.status),
      ].filter(Boolean).join(' · '));
    });
  }

  return {show};
}
