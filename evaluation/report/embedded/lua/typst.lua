-- Writes the whole book as one typst text, wrapped in the partials of the book's own format extension.

local references = require 'references'
local structure = require 'structure'
local typst = {}
-- The quotation marks are characters already, and citeproc has run.
local FORMAT = 'typst-citations-smart'
local OPTIONS = pandoc.WriterOptions { highlight_method = 'none', wrap_text = 'none' }

local CALLOUT_COLOURS = {
  note = { '#0758E5', '#dae6fb' }, tip = { '#00A047', '#ccf1e3' }, important = { '#CC1914', '#f7dddc' },
  warning = { '#EB9113', '#fcefdc' }, caution = { '#FC5300', '#ffe5d0' },
}

local function raw(text) return pandoc.RawBlock('typst', text) end

local function inline(text) return pandoc.RawInline('typst', text) end

local function quoted(text)
  return '"' .. text:gsub('[\\"]', '\\%0'):gsub('\n', ' ') .. '"'
end

local function write_blocks(blocks)
  return (pandoc.write(pandoc.Pandoc(blocks), FORMAT, OPTIONS):gsub('%s+$', ''))
end

-- pandoc leaves some characters bare that begin a list, heading or term of typst when they begin a line.
local function guard_start(el)
  local first = el.content[1]
  local text = first and first.t == 'Str' and first.text or ''
  local before, mark, rest = text:match('^(%d*)([/=+.%-])(.*)$')
  if not mark or (before ~= '') ~= (mark == '.') then return nil end
  el.content[1] = pandoc.Str(rest)
  el.content:insert(1, inline(before .. '\\' .. mark))
  return el
end

local function write_inlines(inlines)
  local words = structure.plain_typst(inlines)
  if words then return words end
  local plain = pandoc.Plain(inlines)
  return write_blocks { guard_start(plain) or plain }
end

local function numbering(number)
  return number and '(..) => ' .. quoted(number) or 'none'
end

-- An id may be used on several pages when it was made by pandoc: then the page's place tells them apart.
local function label_of(book, page, id)
  local entry = book.index[id]
  if entry and (entry.page == page or not page.ids[id]) then return id end
  return 'page-' .. page.at .. '-' .. id
end

local function mark(label) return label and ' #label(' .. quoted(label) .. ')' or '' end

local function page_label(book, page)
  return page.id ~= '' and label_of(book, page, page.id) or 'page-' .. page.at
end

local function link(book, page, el)
  local other = references.page_of(book, page, el)
  el.attributes['to-page'] = nil
  if not other then return el end
  local id = el.target:match('^#(.+)$')
  local label = id and label_of(book, other, id) or page_label(book, other)
  local words = pandoc.Inlines { inline('#link(label(' .. quoted(label) .. '))[') }
  words:extend(el.content)
  words:insert(inline(']'))
  return words
end

local function heading(book, page, level, number, title, label)
  return raw('#[#heading(level: ' .. level .. ', numbering: ' .. numbering(number) .. ')[' .. write_inlines(title) .. ']' ..
    mark(label) .. ']')
end

-- Screens count 96 pixels to the inch.
local function length(width)
  local number, unit = (width or ''):match('^([%d.]+)(%a*%%?)$')
  if unit == 'px' or unit == '' then return tonumber(number) * 0.75 .. 'pt' end
  return number and number .. unit
end

local function image(page, el)
  local file = references.normal_path(page.source.file, el.src)
  page.images:insert(file)
  local width = length(el.attributes.width)
  local call = 'image(' .. quoted('/' .. file) .. ', alt: ' .. quoted(el.attributes['fig-alt'] or el.attributes.alt or '') ..
    (width and ', width: ' .. width or '') .. ')'
  return inline('#box(' .. call .. ')')
end

local function float(el, positions)
  local kind, number = el.attributes.kind, el.attributes.number
  local caption = write_inlines(el.content[1].content[1].content)
  local blocks = pandoc.Blocks { raw('#[#figure([') }
  for i = 2, #el.content do blocks:insert(el.content[i]) end
  blocks:insert(raw('], caption: ' ..
    (caption == '' and 'none' or 'figure.caption(position: ' .. positions[kind] .. ', [' .. caption .. '])') ..
    ', kind: "quarto-float-' .. kind .. '", supplement: ' .. (number and quoted(el.attributes.label) or 'none') ..
    ', numbering: ' .. numbering(number) .. ')' .. mark(el.identifier ~= '' and el.identifier or nil) .. ']'))
  return blocks
end

local function callout(el)
  local colours = CALLOUT_COLOURS[el.attributes.kind]
  local blocks = pandoc.Blocks {
    raw('#[#callout(title: [' .. write_inlines(el.content[1].content[1].content) .. '], icon: none, icon_color: rgb("' ..
      colours[1] .. '"), background_color: rgb("' .. colours[2] .. '"), body_background_color: white, body: ['),
  }
  for i = 2, #el.content do blocks:insert(el.content[i]) end
  blocks:insert(raw('])' .. mark(el.identifier ~= '' and el.identifier or nil) .. ']'))
  return blocks
end

local function equation(el)
  local formula = write_inlines { el.content[1] }
  return inline('#[#math.equation(block: true, alt: ' .. quoted(el.attributes.alt) .. ', numbering: ' ..
    numbering('(' .. el.attributes.number .. ')') .. ', ' .. formula .. ')' .. mark(el.identifier) .. ']')
end

-- The formula's own text stands in for it, as in the format's filter for Quarto.
local function inline_math(el)
  if el.mathtype ~= 'InlineMath' then return nil end
  return inline('#math.equation(alt: ' .. quoted(el.text) .. ', ' .. write_inlines { el } .. ')')
end

-- Labels that pandoc would write itself must be as unique as the others.
local function rename_labels(book, page, blocks)
  local function rename(el)
    if el.identifier ~= '' and page.ids[el.identifier] then el.identifier = label_of(book, page, el.identifier) end
    return el
  end
  return blocks:walk { Div = rename, Span = rename }
end

local function render(book, page, positions)
  local function follow(el) return link(book, page, el) end
  local blocks = page.blocks:walk { Link = follow }
  page.title = page.title:walk { Link = follow }
  -- Equations go before inline formulas: both are maths to a walk.
  blocks = blocks:walk { Span = function(el) if el.classes:includes('equation') then return equation(el) end end }
  blocks = blocks:walk { Plain = guard_start, Para = guard_start }
  blocks = blocks:walk { Math = inline_math, Image = function(el) return image(page, el) end }
  page.title = page.title:walk { Math = inline_math }
  return rename_labels(book, page, blocks:walk {
    Header = function(el)
      return heading(book, page, el.level, el.attributes.number, el.content,
        el.identifier ~= '' and label_of(book, page, el.identifier) or nil)
    end,
    Table = function(el)
      el.classes:insert('typst:no-figure')
      return el
    end,
  }:walk {
    Div = function(el)
      if el.classes:includes('float') then return float(el, positions) end
      if el.classes:includes('callout') then return callout(el) end
      if el.classes:includes('pagebreak') then return raw('#pagebreak(weak: true)') end
    end,
  })
end

local function context(request)
  local meta = {}
  for key, value in pairs(request.metadata) do
    meta[key] = type(value) == 'string' and pandoc.MetaInlines { pandoc.Str(value) } or value
  end
  return pandoc.template.meta_to_context(meta,
    function(blocks) return write_blocks(blocks) end,
    function(inlines) return write_inlines(inlines) end)
end

-- The text of one page, which stands between those of its neighbours.
local function write_page(book, page, request)
  local blocks = render(book, page, request.caption_positions)
  return write_blocks { heading(book, page, 1, page.number, page.title, page_label(book, page)) } .. '\n\n' .. write_blocks(blocks)
end

function typst.write(book, request)
  local parts, part, pages, images = {}, nil, pandoc.List(), pandoc.List()
  for _, page in ipairs(book.pages) do
    if page.source.part and page.source.part ~= part then
      parts[#parts + 1] = '#part-page[' .. write_inlines { pandoc.Str(page.source.part) } .. ']'
    end
    part = page.source.part
    local known = page.known and page.source.known.text
    local text = known and known.text or write_page(book, page, request)
    if page.number and page.role == 'appendix' and page.number == 'A' then parts[#parts + 1] = '#appendices-begin()' end
    parts[#parts + 1] = text
    if not known then pages:insert { file = page.source.file, text = text, images = page.images } end
    images:extend(known and known.images or page.images)
  end
  local template = pandoc.template.compile(request.template)
  local values = context(request)
  values.body = table.concat(parts, '\n\n')
  return { text = pandoc.layout.render(pandoc.template.apply(template, values)), images = images, pages = pages }
end

return typst
