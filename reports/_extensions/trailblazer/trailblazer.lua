-- For Quarto: parts, appendices and a text for each inline formula in the PDF; the marker of invented data on each HTML page.

local function raw(text) return pandoc.RawBlock('typst', text) end

local function typst_header(el)
  local file = (quarto.doc.file_metadata() or {}).file
  if el.level ~= 1 or file == nil then return nil end
  if file.bookItemType == 'part' then
    return raw('#part-page[' .. pandoc.utils.stringify(el):gsub('[\\#$%*_`<>@%[%]~]', '\\%0') .. ']')
  elseif file.bookItemType == 'appendix' and el.classes:includes('unnumbered') then
    return raw('#appendices-begin()\n#counter(heading).update(0)\n#set heading(numbering: "A.1")')
  end
end

local function typst_math(el)
  if el.mathtype ~= 'InlineMath' then return nil end
  local formula = pandoc.write(pandoc.Pandoc { pandoc.Plain { el } }, 'typst'):gsub('%s+$', '')
  local words = el.text:gsub('[\\"]', '\\%0'):gsub('\n', ' ')
  return pandoc.RawInline('typst', '#math.equation(alt: "' .. words .. '", ' .. formula .. ')')
end

local function html_marker(doc)
  if doc.meta.synthetic ~= true then return nil end
  local note = doc.meta['synthetic-note'] or 'SYNTHETIC DATA: these results are invented.'
  local words = pandoc.Para { pandoc.Strong(pandoc.utils.stringify(note)) }
  doc.blocks:insert(1, pandoc.Div(words, pandoc.Attr('', { 'synthetic' }, { role = 'note' })))
  return doc
end

if quarto.doc.is_format('typst') then
  return quarto.utils.combineFilters {
    quarto.utils.file_metadata_filter(),
    { Header = typst_header, Math = typst_math },
  }
end
if quarto.doc.is_format('html') then return { { Pandoc = html_marker } } end
return {}
