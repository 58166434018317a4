// What the back office does in the browser: the menu of small screens, menus that close, buttons
// that copy, names of controls. Everything else works without.
'use strict';
{
  const menu = document.querySelector('.menu-button');
  menu?.addEventListener('click', () => {
    const isOpen = menu.getAttribute('aria-expanded') === 'true';
    menu.setAttribute('aria-expanded', String(!isOpen));
  });

  const closeFilters = (except) => {
    document.querySelectorAll('details.filter[open]').forEach((filter) => {
      if (filter !== except) filter.open = false;
    });
  };
  document.addEventListener('click', (event) => closeFilters(event.target.closest('details.filter')));
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') closeFilters();
  });

  // The text beside a button of the class is copied. Browsers have a clipboard on https and on
  // localhost only: elsewhere the text is selected, to be copied by hand.
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('button.copy-button');
    if (!button) return;
    const source = button.parentElement.querySelector('code');
    const status = button.parentElement.querySelector('[role=status]');
    try {
      await navigator.clipboard.writeText(source.textContent);
      status.textContent = 'Copied';
    } catch {
      window.getSelection().selectAllChildren(source);
      status.textContent = 'Selected';
    }
    window.setTimeout(() => { status.textContent = ''; }, 2000);
  });

  // What is chosen by typing is made by a script that gives it no name: its label is one. By now
  // that script waits for jQuery, which calls those who wait in the order in which they came.
  window.django?.jQuery?.(() => {
    document.querySelectorAll('[role=combobox] > [role=textbox]').forEach((chosen) => {
      const id = chosen.id.replace(/^select2-(.*)-container$/, '$1');
      const label = document.querySelector(`label[for="${CSS.escape(id)}"]`);
      if (!label) return;
      label.id ||= `label-of-${id}`;
      chosen.removeAttribute('role');
      chosen.removeAttribute('aria-readonly');
      chosen.parentElement.setAttribute('aria-labelledby', `${label.id} ${chosen.id}`);
    });
  });
}
