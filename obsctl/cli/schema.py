"""`obsctl schema`: the JSON Schema of obsctl.yaml, for editors."""


def command() -> None:
    """Print the JSON Schema of the project file."""
    import json

    from obsctl.console import print_data
    from obsctl.project.json_schema import json_schema

    print_data(json.dumps(json_schema(), indent=2, ensure_ascii=False))
