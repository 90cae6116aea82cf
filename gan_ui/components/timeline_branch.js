// Branch here: says what a branch at this step would begin with, takes other settings, and starts it.

/** Runs the card. `place()` gives {run, step, ships} or null, `started(run)` hears of the new run. */
function makeBranch(root, {place, started, word}) {
  const find = name => root.querySelector(name), form = find('.tb-form'), fields = find('.tb-fields'), message = find('.tb-said');
  let origin = null, asked = '', waiting = '', error = null, errorOf = '', busy = false, timer = 0, done = '';

  const key = at => at ? at.run + ' ' + at.step : '';

  /** Another step may be shown, or another run. */
  function look() {
    const at = place(), wanted = root.open && at && !at.ships && ganLive.may('branch') ? key(at) : '';
    if (wanted && wanted !== asked && wanted !== waiting) {
      clearTimeout(timer);
      waiting = wanted;
      timer = setTimeout(ask_, 250);                  // once the slider rests: looking for checkpoints reads them
    }
    tell();
  }

  async function ask_() {
    const at = place();
    waiting = '';
    if (!at || busy) return;
    asked = key(at);
    error = null;
    try {
      const answer = await (await ask('branch', {run: at.run, step: at.step})).json();
      if (key(place()) !== key(at)) return;                  // the slider has moved on
      fill(answer);
      origin = {...answer, run: at.run, asked: at.step};
    } catch (failure) {
      if (key(place()) !== key(at)) return;
      origin = null;
      error = failure;
      errorOf = key(at);
      if (!failure.sentences) asked = '';
    }
    tell();
  }

  /** A text box for each setting; what somebody has typed stays as long as the setting itself is the same. */
  function fill({fields: given}) {
    const typed = new Map([...fields.querySelectorAll('input')].map(box => [box.name, box.value !== box.dataset.was ? box.value : null]));
    fields.replaceChildren(...given.map(({name, value, label, help}) => {
      const row = document.createElement('label');
      row.innerHTML = '<span></span><input type="text" autocomplete="off" spellcheck="false"><small class="tb-wrong" role="alert" hidden></small>';
      const box = row.children[1];
      box.name = name;
      box.dataset.was = value;
      box.value = typed.get(name) ?? value;
      // the length of a branch counts from where it begins
      row.words = ['seconds', 'steps'].includes(name) ? {label: name, help} : {label, help};
      return row;
    }));
  }

  /** What a branch here would begin with, or why there can be none. */
  function about(at, fresh) {
    const step = number => number.toLocaleString('en-US');
    if (!at) return '';
    if (at.ships) return word('branch_ships', {run: at.run});
    if (!ganLive.may('branch')) return word('branch_not');
    if (!fresh) return error ? '' : word('origin_asks');
    const restored = word('origin_' + origin.kind, {step: step(origin.step)});
    return origin.step < at.step ? restored + ' ' + word('origin_earlier', {step: step(at.step)}) : restored;
  }

  function tell() {
    if (errorOf !== key(place())) error = null;
    const at = place(), fresh = origin && at && origin.run === at.run && origin.asked === at.step;
    setWords(find('.tb-origin'), about(at, fresh));
    form.hidden = !fresh || !ganLive.may('branch');
    find('.tb-go').disabled = busy;
    for (const row of fields.children) {
      const {label, help} = row.words;
      setWords(row.firstChild, typeof label === 'string' ? word('length_' + label) : label[ganLive.language] + ' (' + row.children[1].name + ')');
      row.title = help[ganLive.language];
      const wrong = fieldOf(error) === row.children[1].name;
      row.children[1].setAttribute('aria-invalid', String(Boolean(wrong)));
      row.lastChild.hidden = !wrong;
      setWords(row.lastChild, wrong ? sentenceOf(error) : '');
    }
    const elsewhere = error && ![...fields.children].some(row => fieldOf(error) === row.children[1].name);
    message.hidden = !elsewhere;
    setWords(message, elsewhere ? sentenceOf(error) : '');
    find('.tb-done').hidden = !done;
    setWords(find('.tb-done'), done ? word('branched', {run: done}) : '');
  }

  async function go(event) {
    event.preventDefault();
    if (!origin || busy) return;
    const settings = {};
    for (const box of fields.querySelectorAll('input')) if (box.value.trim() !== box.dataset.was) settings[box.name] = box.value.trim();
    busy = true;
    error = null;
    done = '';
    tell();
    try {
      const query = {run: origin.run, step: origin.step, kind: origin.kind};
      done = (await (await ask('branch', query, {method: 'POST', body: JSON.stringify(settings)})).json()).run;
      for (const box of fields.querySelectorAll('input')) box.value = box.dataset.was;
      started(done);
    } catch (failure) {
      error = failure;
      errorOf = key(place());
      if (!fieldOf(failure)) asked = '';                 // what there is may have changed
    }
    busy = false;
    tell();
  }

  form.addEventListener('submit', go);
  root.addEventListener('toggle', look);
  return {look, speak: tell};
}
