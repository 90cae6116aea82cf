// A pose as text: copied, pasted, and in a link. latent_bank.py joins this file in front of latent_bank.js.

/**
 * Runs the box of `root`. `write()` promises the text of the present pose, `address(text)` is its link, and
 * `read(text)` promises to take a pasted one, and a note about it or null. `tell(what)` shows the word of a key, or
 * the sentences {en, zh} of what went wrong.
 */
function makePoseText(root, {write, address, read, word}) {
  const box = root.querySelector('.lp-text'), message = root.querySelector('.lp-said'), find = name => root.querySelector(name);
  let said = null;                             // a word's key, or an error's sentences

  function tell(what) {
    said = what;
    message.hidden = !said;
    message.classList.toggle('lp-wrong', Boolean(said && said.en));
    const words = said && said.en ? said[ganLive.language] : said ? word(said) : '';
    if (message.textContent !== words) message.textContent = words;
  }

  const failed = error => tell(error.sentences || 'unreachable');

  async function copy(make, done) {
    try {
      const text = await make();
      box.value = text;
      box.select();
      // without a secure context there is no clipboard: the text is selected, to be copied by hand
      if (navigator.clipboard) await navigator.clipboard.writeText(text).catch(() => document.execCommand('copy'));
      else document.execCommand('copy');
      tell(done);
    } catch (error) { failed(error); }
  }

  async function paste() {
    const text = poseIn(box.value);
    if (!text) return tell('paste_first');
    try {
      const note = await read(text);
      tell(note || 'pasted');
    } catch (error) { failed(error); }
  }

  /** The pose in what was pasted, which may be a whole link. */
  function poseIn(pasted) {
    const text = pasted.trim();
    try { return new URL(text).searchParams.get('pose') || text; } catch { return text; }
  }

  find('.lp-copy').addEventListener('click', () => copy(write, 'copied'));
  find('.lp-link').addEventListener('click', () => copy(async () => address(await write()), 'copied_link'));
  find('.lp-go').addEventListener('click', paste);
  box.addEventListener('keydown', event => { if (event.key === 'Enter') { event.preventDefault(); paste(); } });
  return {tell, speak: () => tell(said)};
}
