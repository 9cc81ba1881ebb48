"""What runs outside the package: generation, mock and demo; `contract/` is for changes of the API document."""
