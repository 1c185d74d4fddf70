() => {
  document.documentElement.lang = 'en';
  // Keep the newest message in view while answers grow, unless the reader scrolled away.
  let height = 0, asked = 0, follow = true;
  const box = () => document.querySelector('#talk .panel-wrap, #talk .bubble-wrap');
  const moved = () => setTimeout(() => {
    const b = box(); if (b) follow = b.scrollTop + b.clientHeight > b.scrollHeight - 40; }, 80);
  for (const act of ['wheel', 'touchmove', 'keydown']) document.addEventListener(act, moved, { passive: true });
  setInterval(() => {
    const b = box(); if (!b) return;
    if (!b.hasAttribute('tabindex')) b.tabIndex = 0;
    const questions = b.querySelectorAll('.user-row').length;
    if (questions > asked) follow = true;
    if (follow && b.scrollHeight !== height) b.scrollTop = b.scrollHeight;
    [asked, height] = [questions, b.scrollHeight];
  }, 100);

  // Panels that open under the header, one at a time; Escape and a click elsewhere close them.
  const panels = () => [...document.querySelectorAll('[data-opens]')];
  const close = (but) => panels().forEach((button) => {
    if (button === but) return;
    button.setAttribute('aria-expanded', 'false');
    document.getElementById(button.dataset.opens)?.classList.remove('is-open');
  });
  const view = (name) => {
    document.getElementById('room')?.classList.toggle('shows-cells', name === 'cells');
    document.querySelectorAll('[data-view]').forEach((b) => b.setAttribute('aria-pressed', String(b.dataset.view === name)));
  };
  document.addEventListener('click', (event) => {
    const opens = event.target.closest('[data-opens]');
    if (opens) {
      close(opens);
      const panel = document.getElementById(opens.dataset.opens);
      const shown = panel.classList.toggle('is-open');
      opens.setAttribute('aria-expanded', String(shown));
      if (shown) panel.querySelector('button, input:not([type=file]), textarea, a')?.focus();
      return;
    }
    if (!event.target.closest('#opener, #takehome') || event.target.closest('#opener .done')) close();
    const views = event.target.closest('[data-view]'); if (views) view(views.dataset.view);
    if (event.target.closest('[data-close=evidence]')) {
      document.getElementById('evidence').classList.add('is-closed');
      document.querySelector('.reference.is-shown')?.focus();
    }
    const mark = event.target.closest('.reference[role=button]');
    if (mark) shown(mark);
    if (event.target.closest('#opener .done, #chips .chip, [data-pose], [data-ask]')) view('talk');
  });
  const shown = (mark) => {
    document.querySelectorAll('.reference.is-shown').forEach((m) => m.classList.remove('is-shown'));
    mark.classList.add('is-shown');
    document.getElementById('evidence')?.classList.remove('is-closed');
    view('cells');
  };
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      const open = document.querySelector('[data-opens][aria-expanded=true]');
      close(); open?.focus();
      document.getElementById('evidence')?.classList.add('is-closed');
    }
    const mark = event.target.closest?.('.reference[role=button]');
    if (mark && (event.key === 'Enter' || event.key === ' ')) shown(mark);
    if (event.key === '/' && !event.target.closest('input, textarea')) {
      event.preventDefault(); view('talk'); document.querySelector('#question textarea')?.focus();
    }
  });

  // A file may be dropped anywhere; it goes where a chosen file goes.
  const input = () => document.querySelector('#opener input[type=file]');
  const files = (event) => event.dataTransfer && [...event.dataTransfer.types].includes('Files');
  let depth = 0;
  document.addEventListener('dragenter', (event) => { if (files(event)) { depth++; document.getElementById('room')?.classList.add('is-dropping'); } });
  document.addEventListener('dragleave', (event) => { if (files(event) && --depth <= 0) { depth = 0; document.getElementById('room')?.classList.remove('is-dropping'); } });
  document.addEventListener('dragover', (event) => { if (files(event)) event.preventDefault(); });
  document.addEventListener('drop', (event) => {
    depth = 0; document.getElementById('room')?.classList.remove('is-dropping');
    if (!files(event) || event.target.closest('#opener')) return;
    event.preventDefault();
    const target = input(); if (!target) return;
    const opener = document.querySelector('[data-opens=opener]');
    if (opener.getAttribute('aria-expanded') !== 'true') opener.click();
    target.files = event.dataTransfer.files;
    target.dispatchEvent(new Event('change', { bubbles: true }));
  }, true);

  // Once a dataset is being opened, how far that is matters more than the panel it was chosen in.
  // A small one is open before that can be seen: then the card tells.
  let opening = false, title = '';
  new MutationObserver(() => {
    const now = /^(Opening|Reading)/.test(document.querySelector('#work .work')?.textContent || '');
    const shown = document.querySelector('#card h2')?.textContent || '';
    if (((now && !opening) || shown !== title) && document.querySelector('#opener.is-open')) close();
    [opening, title] = [now, shown];
  }).observe(document.body, { childList: true, subtree: true });

  // Names that assistive technology reads, where the components give none.
  setInterval(() => {
    for (const [what, name] of [['#upload button', 'Choose a dataset file'], ['#question .submit-button', 'Ask'],
      ['#question .stop-button', 'Stop the answer'], ['#opener input[type=file]', 'Dataset file']]) {
      document.querySelectorAll(what).forEach((e) => { if (!e.getAttribute('aria-label')) e.setAttribute('aria-label', name); });
    }
    const gene = document.querySelector('#gene input'); if (gene) gene.placeholder = 'Gene or column …';
    // The arrow of a step is for the eye; the line itself is the button.
    document.querySelectorAll('#talk .thought-group .title .arrow').forEach((e) => e.setAttribute('inert', ''));
  }, 400);
}
