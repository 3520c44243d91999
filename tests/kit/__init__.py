"""The test kit: a Docker Engine, container images and upstream tools made from Debian packages."""
