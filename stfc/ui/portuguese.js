if (!window.stfcPortuguese) {
  window.stfcPortuguese = true;
  // What Streamlit says itself, to the ear (names of buttons and fields) and in a few lines below fields.
  const names = [
    [/^App pages$/, "Telas"],
    [/^Sidebar$/, "Menu"],
    [/^Collapse sidebar$/, "Recolher o menu"],
    [/^Expand sidebar$/, "Abrir o menu"],
    [/^Navigate to home page$/, "Ir para a Visão geral"],
    [/^Help for (.+)$/, "O que é: $1"],
    [/^Help$/, "O que é"],
    [/^Close$/, "Fechar"],
    [/^Open$/, "Abrir a lista"],
    [/^Choose an option$/, "Escolha"],
    [/^Selected values$/, "Escolhidos"],
    [/^Clear all$/, "Limpar tudo"],
    [/^Clear (entry|value)$/, "Limpar"],
    [/^Remove (.+)$/, "Retirar $1"],
    [/^Decrement$/, "Diminuir"],
    [/^Increment$/, "Aumentar"],
    [/^Page (\d+)$/, "Página $1"],
    [/^Next page$/, "Próxima página"],
    [/^Previous page$/, "Página anterior"],
    [/^Next month$/, "Próximo mês"],
    [/^Previous month$/, "Mês anterior"],
    [/^Choose date(.*)$/, "Escolher o dia$1"],
    [/^day, (.+)$/, "dia, $1"],
    [/^month, (.+)$/, "mês, $1"],
    [/^year, (.+)$/, "ano, $1"],
    [/^Empty$/, "vazio"],
    [/^file upload$/, "Arquivo"],
    [/^Add files$/, "Trocar o arquivo"],
  ];
  const lines = [
    [/^Skip to main content$/, "Ir para o conteúdo"],
    [/^Press (Ctrl\+|⌘\+)?Enter to (apply|submit form)$/, "$1Enter aplica"],
    [/^Select all$/, "Escolher todos"],
    [/^No results$/, "Nada encontrado"],
    [/^1 option available\.$/, "1 opção."],
    [/^(\d+) options available\.$/, "$1 opções."],
    [/^Drag and drop (a file|files) here$/, "Solte o arquivo aqui"],
    [/^Upload$/, "Escolher arquivo"],
    [/^(\d+)MB per file$/, "até $1 MB"],
    [/^(.+) files are not allowed\.$/, "Arquivos $1 não são aceitos."],
    [/^File must be (.+) or smaller\.$/, "O arquivo passa de $1."],
  ];
  const attributes = ["aria-label", "aria-valuetext", "placeholder"];
  const named = attributes.map(name => `[${name}]`).join();
  // Nowhere else: a line of somebody's data may read like one of these.
  const places = "[data-testid=stSkipToContent], [data-testid=InputInstructions], [data-testid=stMultiSelectDropdown], "
    + "[data-testid^=stFileUploader], [data-testid=stFileChip], [aria-live], [role=status], [role=log]";
  const said = (text, words) => {
    const found = words.find(([english]) => english.test(text));
    return found ? text.replace(...found) : text;
  };
  const name = element => {
    for (const one of attributes) {
      const text = element.getAttribute(one), words = text && said(text, names);
      if (words !== text) element.setAttribute(one, words);
    }
  };
  const read = place => {
    const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const text = node.nodeValue.trim(), words = said(text, lines);
      if (words !== text) node.nodeValue = words;
    }
  };
  const look = element => {
    if (element.matches(named)) name(element);
    element.querySelectorAll(named).forEach(name);
    if (element.closest(places)) read(element);
    else element.querySelectorAll(places).forEach(read);
  };
  new MutationObserver(changes => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "attributes") name(target);
      else if (type === "characterData") target.parentElement?.closest(places) && read(target.parentElement);
      else addedNodes.forEach(node => node.nodeType === 1 ? look(node) : target.closest?.(places) && read(target));
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true, attributeFilter: attributes });
  look(document.body);
}
