// Lays blocks out on pages of fixed size and tells where each part of each block came to stand.
// Blocks: {kind, html, pieces, attributes, span, note}; style: {head, numbering, first, running, columns}.
(input) => {
  const { blocks, look } = input;
  const made = (tag, name, html) => {
    const found = document.createElement(tag);
    if (name) found.className = name;
    if (html !== undefined) found.innerHTML = html;
    return found;
  };
  let page, body, columns, notes;
  const pages = [];
  const full = new Error("the last page is full");
  const newColumns = () => { columns = made("div", "columns"); body.append(columns); };
  const newPage = () => {
    page = made("section", "page");
    const number = look.numbering.replace("{}", String(look.first + pages.length));
    const [head, foot] = look.running(pages.length, number);
    page.append(made("div", "head", head.map((one) => `<span>${one}</span>`).join("")));
    body = made("div", "body");
    notes = made("div", "notes");
    page.append(body, notes, made("div", "foot", foot ? `<span>${foot}</span>` : ""));
    document.body.append(page);
    pages.push(page);
    newColumns();
  };
  const fits = () =>
    columns.scrollWidth <= columns.clientWidth + 1 && columns.scrollHeight <= columns.clientHeight + 1 &&
    body.scrollHeight <= body.clientHeight + 1 && (columns.clientHeight > 30 || !columns.children.length);
  const element = (block, place, html, more) => {
    const found = made(block.tag, `${block.name || ""} ${more || ""}`.trim(), html);
    if (!block.whole) found.dataset.block = place;
    return found;
  };
  const addNote = (block) => {
    if (!block.note) return null;
    const found = made("div", "", block.note.html);
    found.dataset.block = block.note.place;
    notes.append(found);
    return found;
  };
  // A heading does not stay alone at the end of a page.
  const trailing = () => {
    const last = columns.lastElementChild;
    return last && /^H[23]$/.test(last.tagName) ? last : null;
  };
  const turn = () => {
    const heading = trailing();
    if (heading) heading.remove();
    if (pages.length >= look.limit) throw full;
    newPage();
    if (heading) columns.append(heading);
  };
  const place = (block, number, pieces, continued, again) => {
    const whole = pieces ? pieces.join("") : block.html;
    const one = element(block, number, (continued ? "" : block.mark || "") + whole, continued ? "cont" : block.more);
    columns.append(one);
    const note = continued ? null : addNote(block);
    if (fits()) return;
    if (pieces && pieces.length > 8 && pages.length < look.limit) {
      const filled = (count) => {
        one.innerHTML = (continued ? "" : block.mark || "") + pieces.slice(0, count).join("").trimEnd();
        one.classList.toggle("broken", count < pieces.length);
        return fits();
      };
      let low = 0, high = pieces.length;
      while (low + 1 < high) {
        const middle = (low + high) >> 1;
        if (filled(middle)) low = middle; else high = middle;
      }
      const least = block.least || 12;
      if (low >= least && pieces.length - low >= 4) {
        filled(low);
        newPage();
        return place(block, number, pieces.slice(low), true, false);
      }
    }
    one.remove();
    if (note) note.remove();
    if (again) throw new Error(`block ${number} fits on no page`);
    turn();
    place(block, number, pieces, continued, true);
  };
  const placeSpanning = (block, number, again) => {
    const one = element(block, number, block.html, "span");
    const old = columns;
    const filled = old.children.length > 0;
    if (filled && trailing() === null) old.classList.add("balanced"); else if (!filled) old.remove();
    body.append(one);
    newColumns();
    if ((filled && !old.classList.contains("balanced")) || body.scrollHeight > body.clientHeight + 1 || columns.clientHeight < 90) {
      if (again) throw new Error(`spanning block ${number} fits on no page`);
      one.remove();
      columns.remove();
      old.classList.remove("balanced");
      if (!filled) body.append(old);
      columns = old;
      turn();
      placeSpanning(block, number, true);
    }
  };
  look.running = new Function("page", "number", look.code);
  newPage();
  try {
    for (const block of blocks) {
      if (block.span) placeSpanning(block, block.place, false);
      else place(block, block.place, block.pieces || null, false, false);
    }
  } catch (reason) {
    if (reason !== full) throw reason;
  }
  const parts = Array.from({ length: look.blocks }, () => []);
  const running = pages.map((one, number) => {
    const corner = one.getBoundingClientRect();
    for (const found of one.querySelectorAll("[data-block]")) {
      const boxes = [...found.getClientRects()].filter((box) => box.width > 1 && box.height > 1);
      const points = boxes.map((box) => [box.left - corner.left, box.top - corner.top, box.right - corner.left,
        box.bottom - corner.top].map((side) => Math.round(side * 75) / 100));
      parts[Number(found.dataset.block)].push({ page: number + 1, boxes: points });
    }
    return [...one.querySelectorAll(".head span, .foot span")].map((found) => found.textContent).filter(Boolean);
  });
  const texts = Object.fromEntries([...document.querySelectorAll("[data-text]")].map((one) => [one.dataset.text, one.textContent]));
  return { parts, running, texts, pages: pages.length };
}
