/* What the app's components follow, played back: `ganLive` as components/live.js has it, but for what asks the server.

   ganReplay.record       what was recorded (record.py: Record.to_json)
   ganReplay.show(row)    tell the components what was measured, by its place in record.rows
*/
const ganReplay = (() => {
  const read = id => JSON.parse(document.getElementById(id).textContent);
  const record = read('rp-record'), words = read('rp-words'), KEYS = {language: 'gan-live-language', theme: 'gan-live-theme'};
  const listeners = {view: [], language: []}, root = document.documentElement, body = document.body;
  const find = id => document.getElementById(id);
  const system = matchMedia('(prefers-color-scheme: dark)');
  let view = null, language = 'en';

  function remembered(key) { try { return localStorage.getItem(KEYS[key]); } catch { return null; } }
  function remember(key, value) { try { localStorage.setItem(KEYS[key], value); } catch { /* a private window forgets */ } }

  function t(key, values) {
    let text = words[key] ? words[key][language === 'zh' ? 1 : 0] : key;
    for (const [name, value] of Object.entries(values || {})) text = text.replaceAll('{' + name + '}', value);
    return text;
  }
  function on(kind, listener) {
    listeners[kind].push(listener);
    if (kind === 'language') listener(language);
    else if (view) listener(view);
  }
  function emit(kind, value) { for (const listener of listeners[kind]) listener(value); }

  function speak(wanted) {
    language = wanted === 'zh' ? 'zh' : 'en';
    root.lang = language === 'zh' ? 'zh-CN' : 'en';
    for (const node of document.querySelectorAll('[data-word]')) node.textContent = t(node.dataset.word);
    for (const node of document.querySelectorAll('[data-word-label]')) {
      node.setAttribute('aria-label', t(node.dataset.wordLabel));
      if (node.localName === 'button') node.title = t(node.dataset.wordLabel);
    }
    const other = find('rp-language');  // a language calls itself by its own name
    [other.lang, other.textContent] = language === 'zh' ? ['en', 'English'] : ['zh-CN', '中文'];
    find('rp-title').textContent = document.title = t('replay.title', {run: record.run});
    emit('language', language);
  }

  function darken(dark) {
    body.classList.toggle('dark', dark);
    root.style.colorScheme = dark ? 'dark' : 'light';
    find('rp-dark').setAttribute('aria-pressed', String(dark));
  }

  function show(row) {
    view = {...record.view, measured: {...record.view.measured, ...record.rows[row]}};
    emit('view', view);
  }

  window.ganLive = {on, t, get language() { return language; }, get view() { return view; }};
  find('rp-language').addEventListener('click', () => { speak(language === 'zh' ? 'en' : 'zh'); remember('language', language); });
  find('rp-dark').addEventListener('click', () => {
    darken(!body.classList.contains('dark'));
    remember('theme', body.classList.contains('dark') ? 'dark' : 'light');
  });
  system.addEventListener('change', () => { if (!remembered('theme')) darken(system.matches); });
  darken(remembered('theme') ? remembered('theme') === 'dark' : system.matches);
  speak((remembered('language') || navigator.language || 'en').toLowerCase().slice(0, 2));
  show(record.rows.length - 1);
  return {record, show};
})();
