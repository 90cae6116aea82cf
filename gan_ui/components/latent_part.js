// What the cards below the bank have in common: their words, whether they are seen, the pose they follow, what they say.
// Joined behind latent_requests.js and latent_picture.js.

/**
 * Makes a card of `root`, a <details>. Its words are those of `section` in strings.py: data-t holds the text of a node,
 * data-label its aria-label, data-title its title. `changed()` is called after every change of what it may have to show.
 */
function makePart(root, section, {changed, spoke = () => {}}) {
  const told = new Map();                     // node: a word's key with its values, or the sentences {en, zh} of an error
  let visible = false, view = null, pose = null;

  const find = selector => root.querySelector(selector);
  const word = (key, values) => ganLive.t(section + '.' + key, values);
  const each = (name, put) => root.querySelectorAll('[data-' + name + ']').forEach(node => put(node, word(node.dataset[name])));

  function show(node) {
    const what = told.get(node);
    node.hidden = !what;
    node.classList.toggle('lc-wrong', Boolean(what && what.en));
    const text = !what ? '' : what.en ? what[ganLive.language] : word(what.key, what.values);
    if (node.textContent !== text) node.textContent = text;
  }

  function speak() {
    root.lang = ganLive.language === 'zh' ? 'zh-CN' : 'en';
    each('t', (node, text) => { node.textContent = text; });
    each('title', (node, text) => { node.title = text; });
    each('label', (node, text) => node.setAttribute('aria-label', text));
    for (const node of told.keys()) show(node);
    spoke();
  }

  // on a phone the cards are a list of titles, to be opened one at a time
  root.open = matchMedia('(min-width: 800px)').matches;
  root.addEventListener('toggle', changed);
  document.addEventListener('visibilitychange', changed);
  new IntersectionObserver(entries => { visible = entries[entries.length - 1].isIntersecting; changed(); }).observe(root);

  return {
    find, word,
    /** To be called once, when the card is ready for its words. */
    begin() {
      ganLive.on('language', speak);
      ganPose.on(now => { pose = now; changed(); });
      ganLive.on('view', fresh => { view = fresh; changed(); });
      changed();
    },
    /** The page's pose; null while there is none, or while another run is being opened. */
    get pose() { return pose && pose.classes !== null ? pose : null; },
    get seen() { return visible && root.open && !document.hidden; },
    /** Which G draws the pose: another text after every change of it. */
    get origin() {
      const live = pose.snapshot === 'live' && view && view.run === pose.run;
      return [pose.run, pose.snapshot, live ? view.live_version : ''].join(' ');
    },
    /** Shows in `node` a word, or the sentences of an error, or nothing. */
    tell(node, what, values) {
      told.set(node, typeof what === 'string' ? {key: what, values} : what);
      show(node);
    },
    /** The sentences of a failed request. */
    reason: error => error.sentences || {en: ganLive.t('explore.unreachable'), zh: ganLive.t('explore.unreachable')},
  };
}
