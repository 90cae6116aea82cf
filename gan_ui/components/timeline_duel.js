// A duel: the step that is shown beside any other step of any run, with the same pose.

/**
 * Runs the card. `here()` gives {line, place, grid, frame, pose} of what is shown above, or null; `runs()` those there are to
 * choose from, as [id, label]; `tellNumbers(list, line, place)` fills in what was measured.
 */
function makeDuel(root, {here, runs, tellNumbers, verdictOf, word}) {
  const find = name => root.querySelector(name), runBox = find('.td-run'), stepBox = find('.td-step'), refused = find('.td-refused');
  const sides = Object.fromEntries(['here', 'there'].map(name => [name, find('[data-side="' + name + '"]')]));
  let line = null, askedOf = '', wrong = null, trouble = null, gone = '', visible = false;  // trouble: what is tried again

  const place = () => line ? line.steps.indexOf(Number(stepBox.value)) : -1;
  const fits = () => here() && line && here().line.z_dim === line.z_dim;
  const pictures = makePictures({
    wanted: () => root.open && visible && line && place() >= 0 && fits() ? {line: only(line, place()), now: 0, pose: here().pose} : null,
    got: () => show(),
    failed,
  });

  /** A timeline of one step: there is nothing to fetch in advance. */
  function only(whole, at) {
    const one = {...whole};
    for (const name of ['steps', 'stamps', 'generators', 'discriminators', 'pictures', 'row_of']) one[name] = [whole[name][at]];
    return one;
  }

  const next = () => root.open && visible && runBox.value && askedOf !== runBox.value ? fetchLine : null;

  async function fetchLine() {
    const run = runBox.value;
    try {
      const known = line && line.run === run ? line.tag : '', answer = await ask('timeline', {run, tag: known});
      if (run !== runBox.value) return;
      if (answer.status !== 204) line = await answer.json();
      wrong = null;
    } catch (error) {
      if (!isFinal(error)) throw error;
      wrong = error;
      line = null;
    }
    askedOf = run;
    tellSteps();
    show();
    pictures.pump();
  }

  function failed(error) {
    if (!error && !trouble) return;
    trouble = error;
    show();
  }

  const pump = makePump(next, failed);

  function tellSteps() {
    const steps = line ? [...line.steps].reverse() : [], chosen = stepBox.value;
    const kept = chosen !== '' && steps.includes(Number(chosen)) ? chosen : steps[0];
    fillOptions(stepBox, steps.map(step => [step, step.toLocaleString('en-US')]), kept);
  }

  function side(node, of) {
    const [grid, pose] = node.querySelectorAll('canvas'), said = node.querySelector('.td-said');
    if (!of) { clearCanvas(grid); clearCanvas(pose); }
    else {
      if (of.grid && !of.grid.error) drawGrid(grid, of.grid); else clearCanvas(grid);
      if (of.frame && of.frame.pixels) drawPixels(pose, of.frame.pixels); else clearCanvas(pose);
    }
    const problem = of && ((of.frame && of.frame.error) || (of.grid && of.grid.error));
    const none = of && !of.line.generators[of.place];
    said.hidden = !problem && !none;
    setWords(said, problem ? problem[ganLive.language] : none ? word('no_generator') : '');
    const at = of ? of.line.run + ' · ' + word('at', {step: of.line.steps[of.place].toLocaleString('en-US')}) : '';
    setWords(node.querySelector('.td-name'), at);
    grid.setAttribute('aria-label', word('grid_alt', {at}));
    pose.setAttribute('aria-label', word('pose_alt', {at}));
    setWords(node.querySelector('.td-verdict'), of ? verdictOf(of.line, of.place, of.frame) : '');
    tellNumbers(node.querySelector('dl'), of && of.line, of ? of.place : -1);
  }

  function show() {
    if (!root.open) return;
    const left = here(), at = place(), mixed = Boolean(left && line && !fits());
    const said = wrong || trouble;
    refused.hidden = !mixed && !said && !gone;
    const sizes = mixed && {one: left.line.run, a: left.line.z_dim, other: line.run, b: line.z_dim};
    setWords(refused, gone ? word('deleted', {run: gone}) : said ? sentenceOf(said) : mixed ? word('duel_mixed', sizes) : '');
    const there = !mixed && line && at >= 0 ? {line, place: at, grid: pictures.grid(line, at), frame: pictures.frame(line, at)} : null;
    find('.td-sides').classList.toggle('td-mixed', mixed);
    side(sides.here, mixed ? null : left);
    side(sides.there, there);
  }

  /** Whatever it shows may have changed: the step above, the pose, or the runs. */
  function look() {
    if (!root.open) return;
    const listed = runs(), left = here();
    // at first the best other there is: another run, or else this one
    const first = (listed.find(([id]) => left && id !== left.line.run) || listed[0] || [''])[0];
    if (runBox.value && !listed.some(([id]) => id === runBox.value)) { gone = runBox.value; wrong = null; }
    fillOptions(runBox, listed, listed.some(([id]) => id === runBox.value) ? runBox.value : first);
    pump();
    show();
    pictures.pump();
  }

  root.addEventListener('toggle', look);
  runBox.addEventListener('change', () => { wrong = null; gone = ''; line = null; show(); pump(); });
  stepBox.addEventListener('change', () => { askedOf = ''; show(); pump(); pictures.pump(); });
  new IntersectionObserver(entries => { visible = entries.at(-1).isIntersecting; if (visible) look(); }).observe(root);
  return {look};
}
