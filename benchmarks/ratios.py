"""Print a comparison as a table: medians, and their ratios to the first."""

import statistics


def show(milliseconds: dict[str, list[float]], digits: int) -> None:
    medians = {name: statistics.median(taken) for name, taken in milliseconds.items()}
    base = next(iter(medians.values()))
    print("| | ms | ratio |\n|---|---:|---:|")
    for name, median in medians.items():
        print(f"| {name} | {median:.{digits}f} | {median / base:.2f} |")
