# The verbs of the house. Each is one line onto a command that works without make, too.
.DEFAULT_GOAL := help
.PHONY: help up test check test-fast lab bench docs drivers editor
PYTHON ?= python3
ARGS ?=

help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## run everything on this machine; Ctrl-C stops it (ARGS="--port 8001")
	$(PYTHON) manage.py up $(ARGS)

test: ## all tests, on throw-away servers (ARGS="tests/workflow -k lease")
	$(PYTHON) manage.py test $(ARGS)

check: ## lint, format, types, import contracts, deploy check, migrations, templates, OpenAPI drift
	$(PYTHON) manage.py quality $(ARGS)

test-fast: ## the tests that need no browser and no real server programs
	$(PYTHON) manage.py test -m "not browser and not lab and not slow" $(ARGS)

lab: ## install the browser and the real servers that tests and demos talk to (Debian, as root)
	sh boss/platform/lab.sh

bench: ## measure; one JSON line per measure
	BOSS_TEST_DURABLE=1 $(PYTHON) manage.py test tests/benchmarks -n 0 -s $(ARGS)

docs: ## write the committed documents that are drawn from the code
	$(PYTHON) manage.py openapi
	.venv/bin/python -m boss.platform.asvs

drivers: ## run the conformance kit on every driver and write its table into docs/drivers.md
	BOSS_DRIVERS_PAGE=docs/drivers.md $(PYTHON) manage.py test tests/drivers/test_conformance.py -q -n 0 $(ARGS)

editor: ## build the drawn workflow editor from boss/console/editor (needs node; running BOSS does not)
	cd boss/console/editor && npm ci --no-audit --no-fund && npm run build
