"""Rows of the list of bad inputs that another test holds already: row -> tests, each `file::function` below tests/."""

from __future__ import annotations

ELSEWHERE: dict[str, tuple[str, ...]] = {
    # shape of the file
    "B18": ("panel/test_store.py::test_wrong_types_and_missing_columns_are_named",),
    # areas
    "D03": ("contracts/test_check.py::test_a_recode_says_what_to_write_and_a_split_refuses",),
    "D11": ("unit/test_donors.py::test_every_reason_in_words", "unit/test_donors.py::test_when_another_programme_counts"),
    # time and vintage; that `check` warns of it stands in test_survey.py
    "E08": (
        "report/test_release.py::test_figures_that_are_out_of_date_refuse_a_final_release_unless_the_report_says_why",
        "report/test_release.py::test_a_book_of_figures_that_are_out_of_date_is_refused",
    ),
    # paths
    "G07": (
        "faults/test_one_job_fails.py::test_only_a_whole_run_counts_as_done",
        "contracts/test_recipes.py::test_bring_your_own_data",
    ),
    # kernels and batch
    "H01": ("faults/test_one_job_fails.py::test_only_a_whole_run_counts_as_done",),
    "H02": ("faults/test_limits.py::test_a_hanging_cell_is_stopped_and_the_others_go_on",),
    "H03": ("faults/test_one_job_fails.py::test_only_a_whole_run_counts_as_done",),
    "H04": ("faults/test_one_job_fails.py::test_only_a_whole_run_counts_as_done",),
    "H05": ("faults/test_one_job_fails.py::test_only_a_whole_run_counts_as_done",),
    "H06": ("faults/test_limits.py::test_what_a_notebook_prints_is_cut",),
    "H08": (
        "faults/test_disk.py::test_a_disk_that_fills_loses_nothing_that_was_finished",
        "faults/test_disk.py::test_the_command_says_what_is_full",
    ),
    "H09": ("faults/test_kill.py::test_killed_a_few_times", "faults/test_kill.py::test_the_run_killed_many_times"),
    "H10": ("faults/test_limits.py::test_an_interrupted_run_goes_on_where_it_stopped",),
    "H11": ("faults/test_one_job_fails.py::test_a_second_run_in_the_same_folder_is_refused",),
    "H13": ("panel/test_store.py::test_a_changed_parquet_is_refused", "unit/test_plan.py::test_it_says_what_changed"),
    "H14": (
        "faults/test_cluster.py::test_a_worker_that_dies_costs_only_its_job",
        "faults/test_cluster.py::test_a_job_that_kills_its_workers_fails_alone",
    ),
    # untrusted files
    "I05": (
        "contracts/test_csv_text.py::test_formulas_are_neutralised_and_numbers_kept",
        "report/test_workbook.py::test_nothing_in_a_cell_or_title_is_run_linked_or_lost",
    ),
    "I06": (
        "notebooks/test_notebooks_run.py::test_it_is_stripped_and_thin",
        "report/test_embedded_renderer.py::test_unescaped_markup_from_a_notebook_is_refused_or_text",
    ),
    "I07": ("test_architecture.py::test_locks_have_hashes_and_name_no_package_host",),
    # names in reports
    "J01": (
        "report/test_nasty_names.py::test_pages_print_it_and_run_nothing",
        "report/test_nasty_names.py::test_pictures_hold_it_as_text",
        "report/test_nasty_names.py::test_csv_has_it_as_one_cell",
        "report/test_nasty_names.py::test_the_pdf_has_it_in_its_outline_and_runs_nothing",
    ),
    # secrets
    "K01": ("faults/test_secrets.py::test_a_secret_as_a_parameter_is_refused_without_being_shown",),
    "K03": ("fetch/test_http.py::test_a_refused_key_names_its_variable", "fetch/test_http.py::test_no_message_has_the_key"),
    "K04": ("test_end_to_end.py::test_no_machine_path_is_published",),
    # statistics
    "M01": ("unit/test_compare.py::test_refuses_when_no_donor_is_left_and_counts_the_reasons",),
    "M02": (
        "spec/test_twfe_spec.py::test_what_cannot_be_estimated_is_refused_in_words",
        "spec/test_imputation_spec.py::test_a_covariate_that_does_not_move_is_refused",
    ),
    "M03": (
        "spec/test_inference_places_spec.py::test_bootstrap_needs_six_treated_clusters",
        "spec/test_inference_spec.py::test_cluster_robust_is_a_t_test_that_never_decides",
    ),
    "M04": (
        "reference/test_other_software.py::test_standard_errors_do_not_depend_on_the_hash_seed",
        "faults/test_determinism.py::test_the_whole_line_gives_the_same_bytes",
    ),
    "M06": (
        "unit/test_verdict_scenarios.py::test_a_path_of_its_own_before_the_start_is_not_credible",
        "report/test_book.py::test_a_comparison_that_is_not_credible_shows_no_headline_figure",
    ),
}

FILES: dict[str, str] = {
    # the disclosure gate
    **dict.fromkeys(("L01", "L03", "L04", "L05", "L06", "L07", "L08"), "report/test_disclosure.py"),
}
"""Rows a whole file or folder of tests is about; there the row's identifier stands in the name or the words of a test."""
