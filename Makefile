# What a person types. Needs python3 (3.11 or newer) with its venv module, and make; nothing else.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help install install-dev run test faults states lint bench two-hosts secrets messages lock

help: ## Say what can be made
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install what the console needs into .venv
	@$(call python,config/install.py)

install-dev: ## Install what tests and checks need, too
	@$(call python,config/install.py --dev)

run: install ## Start the console on http://localhost:8000 with the demo world (PORT=..., ARGS=--no-demo)
	@exec $(VENV)/python manage.py up --port $(PORT) $(ARGS)

two-hosts: install ## Start a server's console and a cloud's, each with its own data and host name
	@exec $(VENV)/python -m config.two_hosts $(ARGS)

test: install-dev ## Run the whole suite on SQLite and on PostgreSQL (ARGS=... goes to pytest)
	@exec $(VENV)/python -m tests.run $(ARGS)

faults: install-dev ## Let real processes fail in every way of the table, on both databases (ARGS=WORD for some rows)
	@exec $(VENV)/python -m tests.faults $(ARGS)

states: install-dev ## Write what an owner sees in every state and failure into docs/operations.md (ARGS=-k WORD for some)
	@exec $(VENV)/pytest -q tests/states/record_table.py tests/states/record_storage.py $(ARGS)

lint: install-dev ## Run every check but the tests, all of them even when one fails
	@$(MAKE) --no-print-directory --keep-going $(LINTS)

# The parts. They need no database and no secrets of yours.
LINTS := lint-style lint-templates lint-types lint-layers lint-deploy lint-migrations lint-messages lint-security
.PHONY: $(LINTS)
PACKAGES := config licensesync cloud connect enterprises wire
CHECK := env -u DATABASE_URL -u REDIS_URL -u BASE_URL LICENSESYNC_DATA_DIR=.cache/lint LICENSESYNC_ROLE=both
PRODUCTION := DATABASE_URL=postgres://u:p@db.example/d REDIS_URL=redis://broker.example BASE_URL=https://console.example \
	FIELD_ENCRYPTION_KEYS=bGludC1saW50LWxpbnQtbGludC1saW50LWxpbnQtbGk= \
	SECRET_KEY=only-for-the-checks-0123456789-abcdefghijklmnopqrstuvwxyz

lint-style:
	$(VENV)/ruff check --quiet .
	$(VENV)/ruff format --check --quiet .

lint-templates:
	$(VENV)/djlint --quiet --lint templates

lint-types:
	$(CHECK) $(VENV)/mypy .

lint-layers:
	$(CHECK) $(VENV)/lint-imports --no-cache --no-logo

lint-deploy:
	$(CHECK) LICENSESYNC_ROLE=server $(PRODUCTION) $(VENV)/python manage.py check --deploy --fail-level WARNING
	$(CHECK) LICENSESYNC_ROLE=cloud $(PRODUCTION) $(VENV)/python manage.py check --deploy --fail-level WARNING

lint-migrations:
	$(CHECK) $(VENV)/python manage.py makemigrations --check --dry-run

lint-messages:
	$(CHECK) $(VENV)/python -m tests.support.messages --check

lint-security:
	$(VENV)/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive $(PACKAGES)
	$(VENV)/python -m tests.support.known_weaknesses

bench: install-dev ## Measure the stages of a sync beside the bare database
	@exec $(VENV)/python -m tests.bench $(ARGS)

secrets: install ## Make the secrets for docker-compose.yml, as files in secrets/
	@$(VENV)/python -P config/generated_secrets.py

screenshots: install-dev ## Take the pictures of the README anew, from the demo world
	@exec $(VENV)/python -m tests.support.screenshots

messages: install-dev ## Extract the texts to translate into locale/
	@exec $(VENV)/python -m tests.support.messages

lock: ## Pin the dependencies of pyproject.toml anew (needs uv)
	uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
		pyproject.toml --output-file requirements.txt
	uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
		pyproject.toml --extra dev --constraint requirements.txt --output-file requirements-dev.txt

define python
command -v $(PYTHON) >/dev/null 2>&1 || { echo "There is no $(PYTHON): install Python 3.11 or newer." >&2; exit 1; }; \
$(PYTHON) $(1)
endef
