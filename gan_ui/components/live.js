/* The page's one source of truth: polls the server and tells every component what is new.

   ganLive.on('view', fn)      fn(view) now, if there is one, and after every change; see gan_ui/live.py for its fields
   ganLive.on('language', fn)  fn('en' | 'zh') now and after every switch
   ganLive.t(key)              a word of STRINGS in the current language
   ganLive.select(id)          show this run; '' follows whatever is training
   ganLive.may(action, run)    whether the server would let this visitor do that (see gan_ui/who.py), with a run of the view
   ganLive.poke()              ask the server at once, for after a button
   ganLive.openTab(name)       show the tab whose id in gan_ui/app.py is that; the query ?tab=name does so at once
*/
window.ganLive = (() => {
  const WORDS = window.GAN_WORDS || {};
  const POLL_MS = 500, SLOWEST_MS = 8000, LANGUAGE_KEY = 'gan-live-language';
  const query = new URLSearchParams(location.search);
  const listeners = { view: [], language: [] };
  let language = firstLanguage(), chosen = query.get('run') || '', view = null;
  let wait = POLL_MS, timer = 0, asking = false, again = false;
  const summaries = new Map();

  function firstLanguage() {
    const asked = query.get('lang') || remembered() || navigator.language || 'en';
    return asked.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  }
  function remembered() { try { return localStorage.getItem(LANGUAGE_KEY); } catch { return null; } }

  function emit(kind, value) {
    for (const listener of listeners[kind]) {
      try { listener(value); } catch (error) { console.error(error); }
    }
  }

  // The server sends only new points; the last one we have may have grown, so it is sent again.
  function merge(answer) {
    const old = view && view.generation === answer.generation && view.run === answer.run ? view.curves : null;
    const fresh = answer.curves || { from: 0, x: [], seconds: [], series: {} };
    const curves = { x: joined(old && old.x, fresh.x, fresh.from), series: {},
                     seconds: joined(old && old.seconds, fresh.seconds, fresh.from) };
    for (const name of Object.keys(fresh.series)) {
      const before = old ? old.series[name] : {}, after = fresh.series[name];
      curves.series[name] = {};
      for (const part of ['lo', 'hi', 'mean']) curves.series[name][part] = joined(before[part], after[part], fresh.from);
    }
    for (const run of answer.runs) summaries.set(run.id, run);
    for (const id of [...summaries.keys()]) if (!answer.order.includes(id)) summaries.delete(id);
    const measured = answer.measured || (view && view.run === answer.run ? view.measured : null);   // sent when changed
    const pretrained = answer.pretrained || (view && view.pretrained) || [];                        // sent once
    const me = answer.me || (view && view.me);                                                      // sent once
    return { ...answer, curves, measured, pretrained, me, runs: answer.order.map(id => summaries.get(id)).filter(Boolean), offline: false };
  }
  const joined = (old, fresh, from) => (old || []).slice(0, from).concat(fresh);

  async function poll() {
    clearTimeout(timer);
    if (asking) { again = true; return; }
    if (document.hidden) return;                      // visibilitychange asks again
    asking = true;
    try {
      const known = view && view.run ? view : { generation: '', curves: { x: [] } };
      const response = await fetch('gradio_api/lab/live?' + new URLSearchParams({
        run: chosen, since: view ? view.version : 0, generation: known.generation, count: known.curves.x.length,
        tag: known.measured ? known.measured.tag : '' }),
        { signal: AbortSignal.timeout(SLOWEST_MS) });   // a connection that slept with the laptop never answers
      if (response.status === 200) { view = merge(await response.json()); emit('view', view); }
      else if (response.status !== 204) throw new Error('HTTP ' + response.status);
      else if (view && view.offline) { view = { ...view, offline: false }; emit('view', view); }
      wait = POLL_MS;
    } catch {
      wait = Math.min(SLOWEST_MS, wait * 2);
      if (view && !view.offline) { view = { ...view, offline: true }; emit('view', view); }
    }
    asking = false;
    if (again) { again = false; poll(); return; }     // somebody poked while we waited
    timer = setTimeout(poll, wait * (0.9 + 0.2 * Math.random()));  // spread, so that a class does not ask in step
  }
  document.addEventListener('visibilitychange', () => { if (!document.hidden) poke(); });

  function poke() { wait = POLL_MS; poll(); }

  function select(id) {
    chosen = id || '';
    const url = new URL(location.href);
    if (chosen) url.searchParams.set('run', chosen); else url.searchParams.delete('run');
    history.replaceState(history.state, '', url);
    poke();
  }

  // Gradio's own way from a page's script to a tab is its button, which carries the id that Python gave the tab.
  // On a phone some tabs are in the menu beside the others, whose buttons carry nothing but the tab's word.
  function openTab(name) {
    const tab = [...document.querySelectorAll('[role=tab]')].find(each => each.dataset.tabId === name) ||
      [...document.querySelectorAll('.overflow-dropdown button')].find(each => each.textContent.trim() === t('app.' + name));
    if (tab && tab.getAttribute('aria-selected') !== 'true') tab.click();
    return Boolean(tab);
  }
  function openAskedTab(attempts = 100) {                // the tabs come some time after this script
    if (query.get('tab') && !openTab(query.get('tab')) && attempts) setTimeout(openAskedTab, 100, attempts - 1);
  }

  function may(action, run) {
    const right = view && view.me ? view.me.may[action] : 'yes';
    return right === 'yes' || (right === 'own' && Boolean(run) && run.visitor === view.me.visitor);
  }

  function setLanguage(wanted) {
    language = wanted === 'zh' ? 'zh' : 'en';
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    try { localStorage.setItem(LANGUAGE_KEY, language); } catch { /* a private window forgets */ }
    emit('language', language);
    return language;
  }

  function on(kind, listener) {
    listeners[kind].push(listener);
    if (kind === 'language') listener(language);
    else if (view) listener(view);
  }

  function t(key, values) {
    const words = WORDS[key];
    let text = words ? words[language === 'zh' ? 1 : 0] : key;
    for (const [name, value] of Object.entries(values || {})) text = text.replaceAll('{' + name + '}', value);
    return text;
  }

  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  poll();
  openAskedTab();
  return { on, t, select, poke, may, setLanguage, openTab, get language() { return language; }, get view() { return view; },
           get chosen() { return chosen; } };
})();
