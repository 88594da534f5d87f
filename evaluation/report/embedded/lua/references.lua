-- Cross-references, links between chapters, and citations. The words of a reference depend on the page it stands on.

local structure = require 'structure'
local references = {}
local NBSP = '\u{a0}'

local PREFIXES = { fig = true, tbl = true, eq = true, sec = true }
for prefix in pairs(structure.CALLOUT_PREFIXES) do PREFIXES[prefix] = true end

-- "See Figure 3.1" needs a lower-case id; @Fig-x is the same reference at the start of a sentence.
local function lookup(book, id)
  return book.index[id] or book.index[id:sub(1, 1):lower() .. id:sub(2)]
end

local function is_reference(id)
  return PREFIXES[(structure.prefix(id) or ''):lower()] == true
end

-- A page without a number speaks in titles; the printed book always in numbers.
local function speaks_in_titles(book, page, entry)
  if entry.kind ~= 'sec' and entry.kind ~= 'chapter' then return false end
  return not entry.number or (book.target == 'html' and not page.numbered)
end

local function titled(entry)
  local words = pandoc.Inlines {}
  if entry.kind == 'chapter' and entry.number then
    if entry.label == 'Appendix' then
      words:extend { pandoc.Str('Appendix ' .. entry.number), pandoc.Space(), pandoc.Str('—'), pandoc.Space() }
    else
      words:extend { pandoc.Str(entry.number), pandoc.Space() }
    end
  end
  words:extend(entry.title)
  return words
end

local function wording(book, page, entry, citation)
  if citation.mode == 'SuppressAuthor' then
    return entry.number and pandoc.Inlines { pandoc.Str(entry.number) } or titled(entry)
  end
  if #citation.prefix > 0 then
    local words = pandoc.Inlines(citation.prefix)
    words:insert(pandoc.Str(NBSP))
    if entry.number then words:insert(pandoc.Str(entry.number)) else words:extend(titled(entry)) end
    return words
  end
  if speaks_in_titles(book, page, entry) then return titled(entry) end
  return pandoc.Inlines { pandoc.Str(entry.label .. NBSP .. entry.number) }
end

-- ---------------------------------------------------------------- links to chapters and files
function references.normal_path(from, path)
  local folder = pandoc.path.directory(from)
  local parts = pandoc.List()
  local from_root = path:match('^/') or folder == '.'
  for part in (from_root and path or folder .. '/' .. path):gmatch('[^/]+') do
    if part == '..' and #parts > 0 and parts[#parts] ~= '..' then parts:remove()
    elseif part ~= '.' then parts:insert(part) end
  end
  return table.concat(parts, '/')
end

local function resolve_link(book, page, el, find)
  local target = el.target
  if target:match('^%a[%w+.-]*:') or target:match('^//') then return nil end
  local path, fragment = target:match('^([^#]*)#?(.*)$')
  if path == '' then
    if not page.ids[fragment] and not book.index[fragment] then
      find(target, 'the link ' .. target .. ' leads to no id of this book', 'an id of a heading, float or equation', 'mend the id')
    end
    return nil
  end
  local file = references.normal_path(page.source.file, path)
  if not path:match('%.qmd$') then
    page.files:insert(file)
    if book.target == 'typst' then return el.content end
    el.target = ('../'):rep(select(2, page.source.file:gsub('/', ''))) .. file .. (fragment ~= '' and '#' .. fragment or '')
    return el
  end
  local other = book.by_file[file]
  if not other then
    find(target, 'the link ' .. target .. ' leads to no chapter', 'a chapter of _quarto.yml, as the path from this file', 'mend the path')
  elseif fragment ~= '' and not other.ids[fragment] and not (book.index[fragment] and book.index[fragment].page == other) then
    find(target, 'the link ' .. target .. ' leads to no id of ' .. file, 'an id that chapter has', 'mend the id')
  else
    el.attributes['to-page'] = tostring(other.at)
    el.target = '#' .. fragment
    return el
  end
end

-- ---------------------------------------------------------------- citations
local function known_keys(bibliography)
  local keys = {}
  for _, entry in ipairs(bibliography) do keys[pandoc.utils.stringify(entry.id)] = true end
  return keys
end

function references.resolve(book, bibliography)
  local keys = known_keys(bibliography)
  local cited = false
  for _, page in ipairs(book.pages) do
    local find = structure.finder(book.findings, page.at)

    local function cite(el)
      local known, unknown = pandoc.List(), pandoc.List()
      for _, citation in ipairs(el.citations) do
        if is_reference(citation.id) then known:insert(citation) else unknown:insert(citation) end
      end
      for _, citation in ipairs(unknown) do
        if not keys[citation.id] then
          find('@' .. citation.id, '@' .. citation.id .. ' is neither a reference nor in the bibliography',
            'keys of the bibliography, and ids that begin with fig- tbl- eq- sec-', 'mend the key, or escape the @ as \\@')
        end
      end
      if #known == 0 then
        cited, page.cites = true, true
        return nil
      end
      if #unknown > 0 then
        find('@' .. known[1].id, 'references and citations in one pair of brackets', 'only one kind in each pair', 'part them')
        return nil
      end
      local words = pandoc.Inlines {}
      for i, citation in ipairs(known) do
        local entry = lookup(book, citation.id)
        if not entry or entry.kind == 'other' then
          find('@' .. citation.id, 'the reference @' .. citation.id .. ' leads to nothing in this book',
            'an id of a numbered figure, table, equation, callout or heading', 'mend the id, or give one to the thing')
        else
          if i > 1 then words:extend { pandoc.Str(','), pandoc.Space() } end
          words:insert(pandoc.Link(wording(book, page, entry, citation), '#' .. entry.id, '',
            pandoc.Attr('', { 'xref' }, { ['to-page'] = tostring(entry.page.at) })))
        end
      end
      return words
    end

    -- Every image needs a text for those who do not see it.
    local function check_image(el)
      local alt = el.attributes['fig-alt'] or el.attributes.alt
      if not alt or alt:match('^%s*$') then
        find(el.src, 'the image ' .. el.src .. ' has no fig-alt',
          '![caption](file){fig-alt="what the image shows"}', 'say what a reader who cannot see it should know')
      end
    end

    local filter = { Cite = cite, Image = check_image, Link = function(el) return resolve_link(book, page, el, find) end }
    page.title = page.title:walk(filter)
    page.blocks = page.blocks:walk(filter)
    for _, entry in ipairs(page.toc) do
      -- A link inside a list of links is no link.
      entry.title = entry.title:walk(filter):walk { Link = function(el) return el.content end, Note = function() return {} end }
    end
  end
  if cited and not book.partial and not book.by_refs then references.require_place(book) end
end

-- Citations need a place where the works are listed.
function references.require_place(book)
  for _, page in ipairs(book.pages) do
    page.blocks:walk { Div = function(el) if el.identifier == 'refs' then book.by_refs = page end end }
  end
  if not book.by_refs then
    structure.finder(book.findings, 1)('', 'works are cited but listed nowhere', 'a chapter with ::: {#refs} and :::', 'add one')
  end
end

-- After citeproc the listed works are ids of the page that lists them.
function references.index_bibliography(book)
  if not book.by_refs then return end
  book.by_refs.blocks:walk { Div = function(el)
    if el.identifier:match('^ref%-') then
      book.index[el.identifier] = { kind = 'work', page = book.by_refs, id = el.identifier }
    end
  end }
end

-- The page a link of the form #id leads to, seen from `page`; nil when it leaves the book.
function references.page_of(book, page, el)
  local at = tonumber(el.attributes['to-page'])
  if at then return book.pages[at] end
  local id = el.target:match('^#(.+)$')
  if not id then return nil end
  if page.ids[id] then return page end
  return book.index[id] and book.index[id].page
end

return references
