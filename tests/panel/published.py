"""Small files in the published layouts, for tests. All values in them are invented."""

import csv
import io

NOMIS_SURVEY = (
    "DATE",
    "DATE_NAME",
    "DATE_CODE",
    "DATE_TYPE",
    "DATE_TYPECODE",
    "DATE_SORTORDER",
    "GEOGRAPHY",
    "GEOGRAPHY_NAME",
    "GEOGRAPHY_CODE",
    "GEOGRAPHY_TYPE",
    "GEOGRAPHY_TYPECODE",
    "GEOGRAPHY_SORTORDER",
    "VARIABLE",
    "VARIABLE_NAME",
    "VARIABLE_CODE",
    "VARIABLE_TYPE",
    "VARIABLE_TYPECODE",
    "VARIABLE_SORTORDER",
    "MEASURES",
    "MEASURES_NAME",
    "OBS_VALUE",
    "OBS_STATUS",
    "OBS_STATUS_NAME",
    "OBS_CONF",
    "OBS_CONF_NAME",
    "URN",
    "RECORD_OFFSET",
    "RECORD_COUNT",
)
MEASURES = {"20599": "Variable", "21001": "Numerator", "21002": "Denominator", "21003": "Confidence"}
DISTRICTS = "local authorities: district / unitary (as of April 2023)"


def csv_text(header, rows):
    """CSV with Windows line ends, as Nomis sends it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def survey_rows(cells, *, kind=DISTRICTS):
    """Rows of a Nomis answer from (date, code, name, variable, measure, value, status) tuples."""
    names = {"111": "% who are economically inactive - aged 16-64", "45": "Employment rate - aged 16-64"}
    rows = []
    for offset, (date, code, name, variable, measure, value, status) in enumerate(cells):
        row = dict.fromkeys(NOMIS_SURVEY, "0")
        row |= {
            "DATE": date,
            "GEOGRAPHY_NAME": name,
            "GEOGRAPHY_CODE": code,
            "GEOGRAPHY_TYPE": kind,
            "VARIABLE": variable,
            "VARIABLE_NAME": names[variable],
            "MEASURES": measure,
            "MEASURES_NAME": MEASURES.get(measure, "Other"),
            "OBS_VALUE": value,
            "OBS_STATUS": "A",
            "OBS_STATUS_NAME": status or "Normal Value",
            "RECORD_OFFSET": str(offset),
            "RECORD_COUNT": str(len(cells)),
        }
        rows.append(row)
    return rows


def survey_file(path, cells, *, columns=NOMIS_SURVEY, kind=DISTRICTS):
    """Write a Nomis answer of the Annual Population Survey."""
    rows = survey_rows(cells, kind=kind)
    path.write_text(csv_text(columns, [[row[name] for name in columns] for row in rows]), encoding="utf-8", newline="")
    return path


def demonstration_file(folder, rows):
    """Write a SYNTHETIC labour market file from (code, name, period, outcome, value, standard error, status) tuples."""
    header = ["area_code", "area_name", "period", "outcome", "value", "standard_error", "status", "label"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "SYNTHETIC_labour_market.csv"
    path.write_text(csv_text(header, [[*row, "SYNTHETIC"] for row in rows]), encoding="utf-8", newline="")
    return path


ONS_HEADER = "areacd,areanm,geography,indicator,period,observation,measure,unit,lci_95,uci_95,status,notes"


def ons_file(folder, name, rows, *, header=ONS_HEADER):
    """Write a file in the present ONS layout from (code, name, indicator, period, value, low, high, status) tuples."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"{code},{area},Local Authority District,{indicator},{period},{value},Percentage,%,{low},{high},{status},"
        for code, area, indicator, period, value, low, high, status in rows
    ]
    path = folder / name
    path.write_text("\ufeff" + "\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path
