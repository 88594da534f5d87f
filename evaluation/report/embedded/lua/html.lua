-- Writes each page's content as HTML, without its heading and without any page furniture.

local references = require 'references'
local structure = require 'structure'
local html = {}
local OPTIONS = pandoc.WriterOptions { html_math_method = 'mathml', highlight_method = 'none', wrap_text = 'none' }

local function raw(text) return pandoc.RawBlock('html', text) end

local function attribute(text)
  return (text:gsub('&', '&amp;'):gsub('<', '&lt;'):gsub('>', '&gt;'):gsub('"', '&quot;'))
end

local function write_inlines(inlines)
  return structure.plain_html(inlines) or (pandoc.write(pandoc.Pandoc { pandoc.Plain(inlines) }, 'html', OPTIONS):gsub('%s+$', ''))
end

local function steps_up(file) return ('../'):rep(select(2, file:gsub('/', ''))) end

local function rewrite_link(book, page, el)
  local other = references.page_of(book, page, el)
  el.attributes['to-page'] = nil
  if not other or (other == page and el.target ~= '#') then return el end
  local fragment = el.target == '#' and '' or el.target
  if fragment == '#' .. other.id then fragment = '' end
  el.target = steps_up(page.source.file) .. other.source.html .. fragment
  return el
end

local function float(el, page)
  local kind, id = el.attributes.kind, el.identifier
  local caption = el.content[1].content[1].content
  local content = pandoc.Blocks(el.content)
  content:remove(1)
  local label = el.attributes.number and el.attributes.label .. '\u{a0}' .. el.attributes.number
  local heading = write_inlines(caption)
  if label then
    heading = '<span class="float-label">' .. label .. ':</span>' .. (heading ~= '' and ' ' .. heading or '')
  end
  if id == '' then page.unnamed = (page.unnamed or 0) + 1 end
  local named = (id ~= '' and id or 'unnumbered-' .. page.unnamed) .. '-caption'
  local blocks = pandoc.Blocks {
    raw('<figure class="float float-' .. kind .. '"' .. (id ~= '' and ' id="' .. attribute(id) .. '"' or '') .. '>'),
  }
  if heading ~= '' then
    blocks:insert(raw('<figcaption id="' .. attribute(named) .. '">' .. heading .. '</figcaption>'))
  end
  content = content:walk {
    Table = function(tbl)
      tbl.attributes['aria-labelledby'] = named
      for _, row in ipairs(tbl.head.rows) do
        for _, cell in ipairs(row.cells) do cell.attributes.scope = 'col' end
      end
      return pandoc.Blocks {
        raw('<div class="table-scroll" role="region" tabindex="0" aria-labelledby="' .. attribute(named) .. '">'),
        tbl, raw('</div>'),
      }
    end,
    -- A paragraph that holds nothing but the picture is no paragraph. On a narrow screen a drawing keeps a size at which its
    -- words can be read, and scrolls inside its own box.
    Para = function(p)
      if #p.content ~= 1 or p.content[1].t ~= 'Image' then return nil end
      if kind ~= 'fig' or not p.content[1].src:match('%.svg$') then return pandoc.Plain(p.content) end
      return pandoc.Blocks {
        raw('<div class="figure-scroll" role="region" tabindex="0" aria-labelledby="' .. attribute(named) .. '">'),
        pandoc.Plain(p.content), raw('</div>'),
      }
    end,
  }
  blocks:extend(content)
  blocks:insert(raw('</figure>'))
  return blocks
end

local function callout(el)
  local title = el.content[1].content[1].content
  local content = pandoc.Blocks(el.content)
  content:remove(1)
  local attrs = 'class="callout callout-' .. el.attributes.kind .. '"' ..
    (el.identifier ~= '' and ' id="' .. attribute(el.identifier) .. '"' or '')
  local blocks, collapse = pandoc.Blocks {}, el.attributes.collapse
  local heading = write_inlines(title)
  if collapse then
    blocks:insert(raw('<details ' .. attrs .. (collapse == 'false' and ' open' or '') .. '><summary class="callout-title">' .. heading .. '</summary>'))
  else
    blocks:insert(raw('<div ' .. attrs .. ' role="note" aria-label="' .. attribute(pandoc.utils.stringify(title)) ..
      '"><div class="callout-title">' .. heading .. '</div>'))
  end
  blocks:insert(raw('<div class="callout-body">'))
  blocks:extend(content)
  blocks:insert(raw(collapse and '</div></details>' or '</div></div>'))
  return blocks
end

local function number_span(number)
  return pandoc.Span(pandoc.Str(number), pandoc.Attr('', { 'header-section-number' }))
end

local function render(book, page)
  local function follow(el) return rewrite_link(book, page, el) end
  page.title = page.title:walk { Link = follow }
  -- One walk: it comes to all inlines before the first block, and to what a block holds before the block, so that nothing has
  -- become raw HTML, which is opaque to a walk, before its turn.
  return page.blocks:walk {
    Link = follow,
    Image = function(el)
      el.attributes.alt = el.attributes['fig-alt'] or el.attributes.alt
      el.attributes['fig-alt'] = nil
      el.caption = {}
      local file = references.normal_path(page.source.file, el.src)
      page.images:insert(file)
      el.src = steps_up(page.source.file) .. file
      return el
    end,
    Header = function(el)
      local number = el.attributes.number
      el.attributes.number = nil
      el.classes = {}
      if number then
        el.content:insert(1, pandoc.Space())
        el.content:insert(1, number_span(number))
      end
      return el
    end,
    Span = function(el)
      if not el.classes:includes('equation') then return nil end
      local number = pandoc.Span(pandoc.Str('(' .. el.attributes.number .. ')'), pandoc.Attr('', { 'eqno' }))
      -- A wide formula scrolls inside its own box, which the keyboard can reach and which says what it holds.
      return pandoc.Span({ el.content[1], number }, pandoc.Attr(el.identifier, { 'equation' }, {
        { 'role', 'group' }, { 'tabindex', '0' },
        { 'aria-label', 'Equation ' .. el.attributes.number .. ': ' .. el.attributes.alt } }))
    end,
    Div = function(el)
      if el.classes:includes('float') then return float(el, page) end
      if el.classes:includes('callout') then return callout(el) end
      if el.classes:includes('pagebreak') then return raw('<div class="pagebreak"></div>') end
    end,
  }
end

function html.write(book)
  local pages = pandoc.List()
  for _, page in ipairs(book.written) do
    local body = pandoc.write(pandoc.Pandoc(render(book, page)), 'html', OPTIONS)
    local toc = pandoc.List()
    for _, entry in ipairs(page.toc) do
      toc:insert { level = entry.level, id = entry.id, number = entry.number, title = write_inlines(entry.title) }
    end
    pages:insert {
      file = page.source.file, html = page.source.html, number = page.number, id = page.id, body = body, toc = toc,
      title = write_inlines(page.title), plain_title = pandoc.utils.stringify(page.title),
      images = page.images, files = page.files,
    }
  end
  return pages
end

return html
