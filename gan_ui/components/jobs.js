// A job of the server (gan_ui/jobs.py), from its start to its result, and the strip that shows it. A component joins this
// file behind latent_requests.js, whose `ask` it uses, and places JOB_HTML (jobs.py in this folder) where the strip goes.

const JOB_POLL_MS = 150, JOB_PATIENCE_MS = 30000;

/**
 * Runs the strip of `root` (.jb). Its `start(send)` awaits `send()`, a request that starts a job, and follows that job; one
 * that still runs is cancelled. `told(status)` hears of every look at it, `done(status, id)` of its success, and
 * `ended(error)` of any end; one that was done before it could be cancelled is a success. `says(status)` may have words for where it is, instead of the time left.
 */
function makeJobStrip(root, {told = () => {}, done = () => {}, ended = () => {}, says = () => ''} = {}) {
  const find = name => root.querySelector(name), word = (key, values) => ganLive.t('job.' + key, values);
  const bar = find('.jb-bar'), facts = find('.jb-facts'), cancelling = find('.jb-cancel'), message = find('.jb-said'), link = find('.jb-file');
  let id = '', serial = 0, last = null, error = null;

  function show() {
    const active = Boolean(id);
    find('.jb-now').hidden = !active;
    bar.setAttribute('aria-label', word('progress'));
    cancelling.textContent = word('cancel');
    message.hidden = !error;
    message.textContent = error ? error[ganLive.language] || word(error.key) : '';
    const file = !active && last && last.status === 'done' && last.file;
    link.hidden = !file;
    if (file) link.textContent = word('download', {name: file.name, kb: Math.max(1, Math.round(file.bytes / 1000)).toLocaleString('en')});
    if (!active) return;
    const share = last ? last.share : 0;
    bar.setAttribute('aria-valuenow', Math.round(share * 100));
    bar.firstElementChild.style.transform = 'scaleX(' + share + ')';
    const left = last && last.seconds_left;
    facts.textContent = !last || last.status === 'queued'
      ? word(last && last.position ? 'waits' : 'starts', {position: last && last.position})
      : says(last) || (left === null ? '' : word('left', {seconds: Math.max(1, Math.round(left))}));
  }

  function end(newError) {
    id = '';
    error = newError;
    show();
    ended(newError);
  }

  function succeed(status, job) {
    last = status;
    link.href = 'gradio_api/lab/jobs/' + job + '/file';
    end(null);
    return done(status, job);
  }

  async function start(send) {
    if (id) cancel();
    const mine = ++serial;
    last = error = null;
    id = '…';
    show();
    try {
      const answer = await send();
      const job = (await answer.json()).job;
      if (mine !== serial) return;
      id = job;
      await follow(mine);
    } catch (failure) {
      if (mine === serial) end(failure.sentences || {key: 'unreachable'});
    }
  }

  async function follow(mine) {
    const job = id;
    let lost = 0;
    while (mine === serial) {
      let status;
      try {
        status = await (await ask('jobs/' + job, {})).json();
        lost = 0;
      } catch (failure) {
        if (failure.sentences) throw failure;
        lost ||= performance.now();
        if (performance.now() - lost > JOB_PATIENCE_MS) throw failure;
        await new Promise(wake => setTimeout(wake, 1000));
        continue;
      }
      if (mine !== serial) return;
      last = status;
      told(status);
      if (status.status === 'done') return succeed(status, job);
      if (status.status === 'failed') return end(status.error);
      if (status.status === 'cancelled') return end(null);
      show();
      await new Promise(wake => setTimeout(wake, JOB_POLL_MS));
    }
  }

  async function cancel() {
    const job = id, mine = ++serial;
    last = null;
    end(null);
    if (!job || job === '…') return;
    try {
      let status = await (await ask('jobs/' + job + '/cancel', {}, {method: 'POST'})).json();
      while (mine === serial && ['queued', 'running'].includes(status.status)) {
        await new Promise(wake => setTimeout(wake, JOB_POLL_MS));
        status = await (await ask('jobs/' + job, {})).json();
      }
      if (mine === serial && status.status === 'done') succeed(status, job);  // another server was quicker
    } catch (failure) { console.debug('GAN Live: ' + failure.message); }
  }

  cancelling.addEventListener('click', cancel);
  ganLive.on('language', show);
  /** Forgets what came of the last job. */
  function clear() {
    last = error = null;
    show();
  }

  return {start, cancel, clear, get running() { return Boolean(id); }};
}
