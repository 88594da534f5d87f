-- Conditional content, numbers, and one canonical shape for each construct:
--   float     Div.float    {kind, label, number}  first child: Div.float-caption
--   callout   Div.callout  {kind, collapse}       first child: Div.callout-title
--   equation  Span.equation{alt, number}
--   heading   Header       {number}

local structure = {}
local stringify = pandoc.utils.stringify

structure.FLOATS = { fig = 'Figure', tbl = 'Table' }
structure.CALLOUTS = { note = 'Note', tip = 'Tip', important = 'Important', warning = 'Warning', caution = 'Caution' }
structure.CALLOUT_PREFIXES = { nte = 'Note', tip = 'Tip', imp = 'Important', wrn = 'Warning', cau = 'Caution' }

function structure.prefix(id) return id and id:match('^(%a+)%-') end

-- A finding names a piece of the source by which the caller finds its line.
function structure.finder(findings, page)
  return function(needle, what, allowed, advice)
    findings:insert { page = page, needle = needle or '', what = what, allowed = allowed, advice = advice }
  end
end

-- A call of a writer costs more than most captions and titles have words: the text of inlines that any writer would leave as it
-- is, made of the characters of the set `allowed`; nil for others.
local function plain_words(inlines, allowed)
  local words = {}
  for i, el in ipairs(inlines) do
    if el.t ~= 'Str' and el.t ~= 'Space' then return nil end
    words[i] = el.text or ' '
  end
  local text = table.concat(words)
  return not text:find('[^' .. allowed .. ']') and text or nil
end

function structure.plain_html(inlines) return plain_words(inlines, ' %w.,:;()%%/+-') end

-- In typst more characters mean something, above all at the beginning.
function structure.plain_typst(inlines)
  local text = plain_words(inlines, ' %w,:')
  return text and text:find('^%a') and text
end

local function keep_visible(source, blocks, target)
  local function filter(el)
    local hides = el.classes:includes('content-hidden')
    if not hides and not el.classes:includes('content-visible') then return nil end
    local when, unless = el.attributes['when-format'], el.attributes['unless-format']
    local applies = (not when or when == target) and (not unless or unless ~= target)
    if applies == hides then return {} end
    return el.content
  end
  -- A walk over every word is long, and only words in brackets with attributes can be a span.
  return blocks:walk { Div = filter, Span = source.text:find(']{', 1, true) and filter or nil }
end

-- A caption is the last paragraph of a float's div; the rest is its content.
local function part_caption(blocks)
  local last = blocks[#blocks]
  if #blocks > 1 and last.t == 'Para' then
    local content = pandoc.Blocks {}
    for i = 1, #blocks - 1 do content:insert(blocks[i]) end
    return last.content, content
  end
  return nil, blocks
end

local function collect(blocks, wanted)
  local found = pandoc.List()
  blocks:walk { [wanted] = function(el) found:insert(el) end }
  return found
end

-- A table's id may stand in its attributes or, in older syntax, at the end of its caption.
local function table_caption(tbl)
  local last = tbl.caption.long[#tbl.caption.long]
  if not last then return tbl.identifier, pandoc.Inlines {} end
  local inlines, id = last.content, tbl.identifier
  local ending = inlines[#inlines]
  local given = ending and ending.t == 'Str' and ending.text:match('^{#(tbl%-[%w%-_]+)}$')
  if given then
    id = given
    inlines:remove()
    if #inlines > 0 and inlines[#inlines].t == 'Space' then inlines:remove() end
  end
  return id, inlines
end

-- Numbers restart with each chapter; an unnumbered page counts without a chapter number.
local Counter = {}
Counter.__index = Counter

-- Two unnumbered pages would both have a Figure 1.
function Counter:claim(page, kind, find, id)
  if page.numbered then return end
  self.claimed = self.claimed or {}
  if self.claimed[kind] and self.claimed[kind] ~= page then
    find('#' .. id, 'a numbered ' .. kind .. ' on a second unnumbered page', 'numbered floats on one unnumbered page at most',
      'number the chapter')
  end
  self.claimed[kind] = page
  page.claims:insert(kind)
end

local function new_counter() return setmetatable({ chapter = 0, appendix = 0 }, Counter) end

function Counter:open(page)
  self.counts, self.sections = {}, { 0, 0, 0, 0, 0 }
  if not page.numbered then
    self.stem = nil
  elseif page.role == 'appendix' then
    self.appendix = self.appendix + 1
    self.stem = string.char(64 + self.appendix)
  else
    self.chapter = self.chapter + 1
    self.stem = tostring(self.chapter)
  end
end

function Counter:next(kind)
  self.counts[kind] = (self.counts[kind] or 0) + 1
  return (self.stem and self.stem .. '.' or '') .. self.counts[kind]
end

function Counter:section(level)
  local at = level - 1
  self.sections[at] = self.sections[at] + 1
  for i = at + 1, 5 do self.sections[i] = 0 end
  return self.stem .. '.' .. table.concat(self.sections, '.', 1, at)
end

-- Captions and titles are written apart from the text, so that notes have no place in them.
local function check_words(inlines, where, find)
  pandoc.Inlines(inlines):walk { Note = function(note)
    find(stringify(note.content):match('^%S+%s*%S*'), 'a footnote in ' .. where, 'footnotes in the text', 'move it into the text')
  end }
end

-- The walk over one page: every construct is numbered in the order of the source.
local function walk_page(book, page, counter, find)
  local function register(id, entry, needle)
    if id == '' then return end
    local other = book.index[id]
    if other then
      find(needle or '#' .. id, 'the id ' .. id .. ' is used twice in this book',
        'one id for one thing', 'rename one of them; put the area code into the ids of an area page')
      return
    end
    entry.page, entry.id = page, id
    book.index[id] = entry
  end

  local function float(id, kind, caption, content)
    local number = id ~= '' and counter:next(kind) or nil
    if number then counter:claim(page, structure.FLOATS[kind]:lower(), find, id) end
    check_words(caption or {}, 'a caption', find)
    local label = structure.FLOATS[kind]
    if number then register(id, { kind = kind, label = label, number = number }) end
    local holds = #collect(content, kind == 'fig' and 'Image' or 'Table')
    if kind == 'tbl' and holds > 1 then
      find('#' .. id, 'the float ' .. id .. ' holds more than one table', 'one table in each tbl- div', 'part them')
    elseif kind == 'fig' and holds ~= 1 then
      find('#' .. id, 'the float ' .. id .. ' holds ' .. holds .. ' images',
        'one image in each fig- div', 'draw small multiples as one image')
    elseif kind == 'tbl' and holds == 0 then
      find('#' .. id, 'the float ' .. id .. ' holds no table', 'a Markdown table in each tbl- div',
        'let the notebook print its table as Markdown')
    end
    local blocks = pandoc.Blocks { pandoc.Div(pandoc.Plain(caption or {}), pandoc.Attr('', { 'float-caption' })) }
    blocks:extend(content)
    return pandoc.Div(blocks, pandoc.Attr(id, { 'float' }, { kind = kind, label = label, number = number })), false
  end

  local function unwrap_figures(blocks)
    return blocks:walk {
      Figure = function(figure) return figure.content end,
      Table = function(tbl) tbl.caption = {} return tbl end,
    }
  end

  local function div(el)
    local kind = structure.prefix(el.identifier)
    if structure.FLOATS[kind] then
      local caption, content = part_caption(el.content)
      if not caption or #caption == 0 then
        find('#' .. el.identifier, 'the float ' .. el.identifier .. ' has no caption',
          'a last paragraph in the div, which becomes the caption', 'write one sentence that says what is shown')
      end
      return float(el.identifier, kind, caption, unwrap_figures(content))
    end
    for name, title in pairs(structure.CALLOUTS) do
      if el.classes:includes('callout-' .. name) then
        local content, inlines = el.content, nil
        if el.attributes.title then
          inlines = pandoc.utils.blocks_to_inlines(pandoc.read(el.attributes.title, 'markdown-raw_html').blocks)
        elseif content[1] and content[1].t == 'Header' then
          inlines = content[1].content
          content:remove(1)
        end
        check_words(inlines or {}, "a callout's title", find)
        local label = structure.CALLOUT_PREFIXES[kind]
        if label then
          local number = counter:next(kind)
          counter:claim(page, 'callout', find, el.identifier)
          register(el.identifier, { kind = kind, label = label, number = number })
          local numbered = label .. ' ' .. number .. (inlines and ': ' or '')
          inlines = pandoc.Inlines { pandoc.Str(numbered) } .. (inlines or {})
        elseif el.identifier ~= '' then
          register(el.identifier, { kind = 'other' })
        end
        local blocks = pandoc.Blocks { pandoc.Div(pandoc.Plain(inlines or { pandoc.Str(title) }), pandoc.Attr('', { 'callout-title' })) }
        blocks:extend(content)
        return pandoc.Div(blocks, pandoc.Attr(el.identifier, { 'callout', 'callout-' .. name },
          { kind = name, collapse = el.attributes.collapse }))
      end
    end
    -- The list of works depends on what all pages cite.
    if el.identifier == 'refs' then page.cites = true end
    if el.identifier ~= '' then register(el.identifier, { kind = 'other' }) end
  end

  local level = 1
  local function header(el)
    if el.level == 1 then return el end
    if el.level > level + 1 then
      find(stringify(el), 'a heading of level ' .. el.level .. ' follows one of level ' .. level,
        'levels that rise by one', 'use ' .. string.rep('#', level + 1))
    end
    level = el.level
    local number
    check_words(el.content, 'a heading', find)
    if counter.stem and not el.classes:includes('unnumbered') then number = counter:section(el.level) end
    el.attributes.number = number
    page.ids[el.identifier] = true
    if book.explicit(page, el.identifier) then
      register(el.identifier, { kind = 'sec', label = 'Section', number = number, title = el.content })
    end
    page.toc:insert { level = el.level, id = el.identifier, number = number, title = el.content }
    return el
  end

  local function span(el)
    if structure.prefix(el.identifier) ~= 'eq' then
      if el.identifier ~= '' then register(el.identifier, { kind = 'other' }) end
      return nil
    end
    if not el.attributes.alt or el.attributes.alt == '' then
      find('#' .. el.identifier, 'the equation ' .. el.identifier .. ' has no alt text',
        '$$ ... $$ {#eq-name alt="the equation in words"}', 'say the equation in words')
    end
    local number = counter:next('eq')
    counter:claim(page, 'equation', find, el.identifier)
    register(el.identifier, { kind = 'eq', label = 'Equation', number = number })
    el.attributes.number = number
    el.classes = { 'equation' }
    return el, false
  end

  local function math(el)
    if el.mathtype == 'DisplayMath' then
      find(el.text:match('[^\n]+'), 'a display equation without id',
        '$$ ... $$ {#eq-name alt="the equation in words"}', 'give it an id and an alt text')
    end
  end

  return page.blocks:walk {
    traverse = 'topdown', Div = div, Header = header, Span = span, Math = math,
    Figure = function(el)
      local caption = pandoc.utils.blocks_to_inlines(el.caption.long)
      return float(el.identifier, 'fig', caption, el.content)
    end,
    Table = function(el)
      local id, caption = table_caption(el)
      -- A caption alone makes a table without a number, for what no text refers to.
      if #caption == 0 or (id ~= '' and structure.prefix(id) ~= 'tbl') then
        local cell = el.head.rows[1] and el.head.rows[1].cells[1]
        find(cell and stringify(cell.contents), 'a table without caption',
          ': Caption {#tbl-name} under the table, or a tbl- div around it', 'add it, with an id for a number')
      end
      el.caption, el.identifier = {}, ''
      return float(id, 'tbl', caption, pandoc.Blocks { el })
    end,
  }
end

-- Every table needs a text in each header cell. Returns how many headings of level 1 there are.
local function check_content(page, find)
  local titles = 0
  page.blocks:walk {
    Header = function(el) if el.level == 1 then titles = titles + 1 end end,
    Table = function(el)
      for _, row in ipairs(el.head.rows) do
        for _, cell in ipairs(row.cells) do
          if stringify(cell.contents):match('^%s*$') then
            local first = el.bodies[1] and el.bodies[1].body[1]
            find(first and stringify(first.cells[1].contents), 'a table with an empty header cell',
              'a text in every header cell', 'name the column')
          end
        end
      end
    end,
  }
  return titles
end

-- The chapter's heading: its first block, or the title of its front matter.
local function take_title(page, find)
  local first, count = page.blocks[1], check_content(page, find)
  if first and first.t == 'Header' and first.level == 1 and count == 1 and not page.source.title then
    page.title, page.id = first.content, first.identifier
    page.numbered = page.numbered and not first.classes:includes('unnumbered')
    page.blocks:remove(1)
    return
  end
  if page.source.title and count == 0 then
    page.title = pandoc.utils.blocks_to_inlines(pandoc.read(page.source.title, 'markdown-raw_html').blocks)
    page.id = ''
    return
  end
  page.title, page.id = pandoc.Inlines(page.source.file), ''
  find('# ', 'the page has ' .. count .. ' level 1 headings' .. (page.source.title and ' beside its title' or ''),
    'one: the first line, or the title of the front matter', 'leave one, first; use ## below it')
end

-- What other pages need to know of a page: its place, its ids, and what can be referred to. A page that has not changed since
-- an earlier run comes as this alone.
function structure.outline(book, page)
  local entries, ids = pandoc.List(), pandoc.List()
  for id, entry in pairs(book.index) do
    if entry.page == page and entry.kind ~= 'work' then
      entries:insert { id = id, kind = entry.kind, label = entry.label, number = entry.number,
        title = entry.title and pandoc.write(pandoc.Pandoc { pandoc.Plain(entry.title) }, 'json') }
    end
  end
  for id in pairs(page.ids) do ids:insert(id) end
  entries:sort(function(a, b) return a.id < b.id end)
  ids:sort()
  return { entries = entries, ids = ids, id = page.id, number = page.number, numbered = page.numbered, cites = page.cites,
    claims = page.claims }
end

local function recall(book, page, known, counter)
  page.known, page.numbered, page.id, page.number = true, known.numbered, known.id, known.number
  page.blocks, page.title = pandoc.Blocks {}, pandoc.Inlines {}
  for _, id in ipairs(known.ids) do page.ids[id] = true end
  for _, entry in ipairs(known.entries) do
    local title = entry.title and pandoc.read(entry.title, 'json').blocks[1].content
    book.index[entry.id] = { kind = entry.kind, label = entry.label, number = entry.number, title = title, page = page, id = entry.id }
  end
  counter.claimed = counter.claimed or {}
  for _, kind in ipairs(known.claims) do counter.claimed[kind] = page end
  counter:open(page)
  book.pages:insert(page)
  book.by_file[page.source.file] = page
end

function structure.number(sources, parsed, target, findings)
  local book = { target = target, pages = pandoc.List(), index = {}, by_file = {}, findings = findings }
  function book.explicit(page, id) return page.source.explicit[id] == true end
  local counter = new_counter()
  for i, source in ipairs(sources) do
    local page = { at = i, source = source, role = source.role, numbered = source.numbered, ids = {},
      toc = pandoc.List(), images = pandoc.List(), files = pandoc.List(), claims = pandoc.List(), cites = false }
    local find = structure.finder(findings, i)
    if source.known then
      recall(book, page, source.known[target], counter)
      goto continue
    end
    page.blocks = keep_visible(source, parsed[i], target)
    take_title(page, find)
    check_words(page.title, 'a heading', find)
    page.title:walk { Cite = function() find('# ', "a reference or citation in a chapter's heading", 'plain words', 'move it into the text') end }
    counter:open(page)
    page.number = counter.stem
    local label = page.role == 'appendix' and 'Appendix' or 'Chapter'
    local entry = { kind = 'chapter', label = label, number = page.number, title = page.title, page = page, id = page.id }
    if page.id ~= '' then
      page.ids[page.id] = true
      if book.explicit(page, page.id) then
        if book.index[page.id] then
          find('#' .. page.id, 'the id ' .. page.id .. ' is used twice in this book', 'one id for one thing', 'rename one')
        end
        book.index[page.id] = entry
      end
    end
    page.blocks = walk_page(book, page, counter, find)
    book.pages:insert(page)
    book.by_file[source.file] = page
    ::continue::
  end
  return book
end

return structure
