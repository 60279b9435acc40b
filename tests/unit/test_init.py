"""A first app file out of Dockerfiles, a compose file, or an ECS task definition; it must load."""

import json
import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.errors import AppFileError
from tidegate.core.model import App, Service
from tidegate.local.setup.ports import free_pair, taken
from tidegate.spec import loads, propose
from tidegate.spec.dockerfile import Facts, facts_of


def write(folder: Path, files: dict[str, str]) -> Path:
    """Files by their path, in a folder named Shop Two."""
    root = folder / "Shop Two"
    root.mkdir()
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def proposed(folder: Path) -> tuple[str, App]:
    text = propose(folder)
    return text, loads(text)


def only(app: App) -> Service:
    assert len(app.services) == 1
    return app.services[0]


# --- Dockerfiles ---------------------------------------------------------------------------------


def test_one_dockerfile_at_the_root_is_one_service(tmp_path: Path) -> None:
    docker = (
        "FROM python:3.11\nEXPOSE 8000/tcp\nUSER app\n"
        "HEALTHCHECK CMD curl -f http://localhost:8000/healthz || exit 1\n"
    )
    text, app = proposed(write(tmp_path, {"Dockerfile": docker}))
    service = only(app)
    assert app.name == service.name == "shop-two"
    assert (service.build.context, service.port, service.health.path) == (".", 8000, "/healthz")
    assert service.routes[0].path == "/"
    assert text.startswith("# Proposed from the Dockerfiles.")
    assert "root without" not in text


def test_every_folder_with_a_dockerfile_is_a_service(tmp_path: Path) -> None:
    files = {
        "cats/Dockerfile": "FROM nginx\nEXPOSE 80",
        "a/dogs/Dockerfile": "FROM nginx",
        "node_modules/x/Dockerfile": "FROM x",
        ".git/Dockerfile": "FROM x",
    }
    text, app = proposed(write(tmp_path, files))
    assert {s.name: (s.build.context, s.routes[0].path) for s in app.services} == {
        "cats": ("cats", "/cats"),
        "dogs": ("a/dogs", "/dogs"),
    }
    assert "port 80 is a guess" in text


@pytest.mark.parametrize(
    "image", ["nginx", "nginx:1.27-alpine", "docker.io/library/nginx@sha256:0"]
)
@pytest.mark.parametrize("user", ["", "USER root\n", "USER 0\n"])
def test_nginx_is_its_own_user_from_the_start_since_it_cannot_change_to_it(
    tmp_path: Path, image: str, user: str
) -> None:
    text, app = proposed(write(tmp_path, {"Dockerfile": f"FROM {image}\n{user}EXPOSE 80\n"}))
    assert app.services[0].security.user == "101"
    assert "nginx begins as root and changes users" in text


@pytest.mark.parametrize(
    "text",
    [
        "FROM nginx\nUSER 5\n",
        "FROM example.org/nginx\n",
        "FROM nginxinc/nginx-unprivileged\n",
        "FROM nginx AS build\nFROM python\n",
    ],
)
def test_another_image_keeps_the_user_that_it_names(tmp_path: Path, text: str) -> None:
    file, app = proposed(write(tmp_path, {"Dockerfile": text}))
    assert app.services[0].security.user is None
    assert "changes users" not in file


def test_an_image_that_begins_as_root_is_told_what_to_give_back(tmp_path: Path) -> None:
    text, _ = proposed(write(tmp_path, {"Dockerfile": "FROM python\n"}))
    assert "capabilities: [CHOWN, SETGID, SETUID]" in text


def test_only_the_last_stage_of_a_dockerfile_counts() -> None:
    text = (
        "FROM node AS build\nEXPOSE 1\nUSER node\nHEALTHCHECK CMD curl http://x/a\n"
        "FROM nginx\nEXPOSE $PORT 8080\nHEALTHCHECK --interval=5s \\\n  CMD wget http://x:1/b?c=1\n"
    )
    assert facts_of(text) == Facts(8080, "/b?c=1", None, "nginx")
    assert facts_of(text + "HEALTHCHECK NONE\nUSER 5:5") == Facts(8080, None, "5:5", "nginx")


# --- compose -------------------------------------------------------------------------------------

COMPOSE = """\
x-common: &common
  restart: always
  environment: {LOG_LEVEL: info}
services:
  web:
    <<: *common
    build: {context: ./web, dockerfile: Dockerfile.prod, args: {VERSION: 1.10}}
    ports: ["127.0.0.1:8080:3000/tcp"]
    command: gunicorn -w 2 app:main
    environment:
      - DEBUG=yes
      - STRIPE_API_KEY=sk_live_hunter2
      - DATABASE_URL=postgres://shop:hunter2@db/shop
      - SESSION=${SESSION_ID}
      - REGION=${REGION:-eu-west-1}
      - GREETING=hello ${NAME}
      - FROM_HOST
      - PRICE=5$$
    deploy:
      replicas: 3
      resources: {limits: {cpus: '0.5', memory: 512M}}
    healthcheck: {test: [CMD, curl, -f, "http://localhost:3000/up"]}
    user: "101"
    depends_on: [db]
    volumes: ["data:/data"]
    networks: [front]
  API_v2:
    image: example/api:2
    expose: ["9000"]
    environment: {MODE: fast, DB_PASSWORD: hunter2}
    command: ["serve", "--password=hunter2"]
  db:
    image: postgres:16
    environment: {POSTGRES_PASSWORD: hunter2}
volumes: {data: {}}
networks: {front: {}}
"""


def test_a_compose_file_becomes_services(tmp_path: Path) -> None:
    root = write(tmp_path, {"compose.yaml": COMPOSE})
    (root / "web").mkdir()
    (root / "web" / "Dockerfile.prod").write_text("FROM python\nEXPOSE 1\nUSER app\n")
    app = proposed(root)[1]
    web, api = app.services
    assert (web.name, web.build.context, web.build.dockerfile) == ("web", "web", "Dockerfile.prod")
    assert web.build.args == (("VERSION", "1.10"),)
    assert (web.port, web.health.path, web.count.desired) == (3000, "/up", 3)
    assert (web.cpu_units, web.memory_mib) == (512, 512)
    assert web.command == ("gunicorn", "-w", "2", "app:main")
    assert web.security.user == "101"
    assert (web.routes[0].path, api.routes[0].path) == ("/", "/api-v2")
    assert dict(web.environment) == {"DEBUG": "yes", "REGION": "eu-west-1", "PRICE": "5$"}
    assert (api.name, api.build.image, api.port) == ("api-v2", "example/api:2", 9000)
    assert api.command == ()


def test_no_secret_value_leaves_a_compose_file(tmp_path: Path) -> None:
    text, app = proposed(write(tmp_path, {"docker-compose.yml": COMPOSE}))
    assert "hunter2" not in text
    web, api = app.services
    assert {s.name: s.source for s in web.secrets} == {
        "STRIPE_API_KEY": "env:STRIPE_API_KEY",
        "DATABASE_URL": "env:DATABASE_URL",
        "SESSION": "env:SESSION_ID",
        "FROM_HOST": "env:FROM_HOST",
    }
    assert [s.source for s in api.secrets] == ["env:DB_PASSWORD"]


def test_what_a_compose_file_has_and_we_do_not_is_named(tmp_path: Path) -> None:
    text, _ = proposed(write(tmp_path, {"compose.yaml": COMPOSE}))
    assert "# Not carried over: depends_on, networks, volumes, environment.GREETING" in text
    assert "# Not carried over: command" in text
    assert "# db (postgres:16) publishes no port, so it is not carried over." in text
    assert "# Not carried over from compose.yaml: networks, volumes" in text


# --- ECS -----------------------------------------------------------------------------------------

TASKDEF = {
    "family": "shop",
    "cpu": "1024",
    "memory": "2 GB",
    "containerDefinitions": [
        {"name": "envoy", "image": "envoy", "portMappings": [{"containerPort": 1}]},
        {
            "name": "Web_App",
            "image": "<IMAGE1_NAME>",
            "cpu": 256,
            "memory": 300,
            "portMappings": [{"containerPort": 8080}],
            "environment": [
                {"name": "MODE", "value": "fast"},
                {"name": "API_TOKEN", "value": "hunter2"},
            ],
            "secrets": [
                {
                    "name": "DB_PASSWORD",
                    "valueFrom": "arn:aws:secretsmanager:eu-west-1:1:secret:prod/db-AbCdEf:pw::",
                },
                {"name": "KEY", "valueFrom": "arn:aws:ssm:eu-west-1:1:parameter/shop/key"},
            ],
            "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost:8080/up || exit 1"]},
            "command": ["serve", "--port", "8080"],
            "user": "1000",
            "readonlyRootFilesystem": False,
            "mountPoints": [{"sourceVolume": "x"}],
            "ulimits": [],
        },
    ],
}
APPSPEC = """\
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo: {ContainerName: Web_App, ContainerPort: 8080}
Hooks:
  - BeforeInstall: CheckTables
  - AfterInstall: Warm
  - AfterAllowTestTraffic: "arn:aws:lambda:eu-west-1:1:function:Smoke"
  - BeforeAllowTraffic: Ask
  - AfterAllowTraffic: Tell
"""


def test_a_task_definition_becomes_a_service(tmp_path: Path) -> None:
    root = write(tmp_path, {"taskdef.json": json.dumps(TASKDEF), "appspec.yaml": APPSPEC})
    text, app = proposed(root)
    web = only(app)
    assert (web.name, web.port, web.cpu_units, web.memory_mib) == ("web-app", 8080, 256, 300)
    assert web.command == ("serve", "--port", "8080")
    assert web.health.path == "/up"
    assert (web.security.user, web.security.read_only) == ("1000", False)
    assert dict(web.environment) == {"MODE": "fast"}
    assert [s.source for s in web.secrets] == ["env:API_TOKEN", "env:DB_PASSWORD", "env:KEY"]
    assert "hunter2" not in text
    assert "DB_PASSWORD: {from_env: DB_PASSWORD}  # was prod/db-AbCdEf:pw" in text
    assert "KEY: {from_env: KEY}  # was shop/key" in text
    assert "# Not carried over: mountPoints" in text
    assert "Not carried over: envoy" in text


def test_the_hooks_of_an_appspec_have_their_place(tmp_path: Path) -> None:
    root = write(tmp_path, {"taskdef.json": json.dumps(TASKDEF), "appspec.yaml": APPSPEC})
    text = propose(root)
    for event, function, stage in (
        ("BeforeInstall", "CheckTables", "PRE_SCALE_UP"),
        ("AfterInstall", "Warm", "POST_SCALE_UP"),
        ("AfterAllowTestTraffic", "arn:aws:lambda:eu-west-1:1:function:Smoke",
         "POST_TEST_TRAFFIC_SHIFT"),
        ("BeforeAllowTraffic", "Ask", "PRE_PRODUCTION_TRAFFIC_SHIFT"),
        ("AfterAllowTraffic", "Tell", "POST_PRODUCTION_TRAFFIC_SHIFT"),
    ):  # fmt: skip
        assert f"# {event}: {function}" in text
        assert f"stage: {stage}" in text


def test_the_commented_hooks_load_once_they_are_no_comment(tmp_path: Path) -> None:
    root = write(tmp_path, {"taskdef.json": json.dumps(TASKDEF), "appspec.yaml": APPSPEC})
    before, _, after = propose(root).partition("    # deployment:\n")
    hooks, _, rest = after.partition("\n\n")
    opened = "\n".join(line.replace("    # ", "    ", 1) for line in hooks.splitlines())
    app = loads(f"{before}    deployment:\n{opened}\n\n{rest}")
    assert len(only(app).deployment.hooks) == 5


def test_an_image_of_a_registry_is_taken_when_nothing_is_built_here(tmp_path: Path) -> None:
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1"
    taskdef = {"containerDefinitions": [{"name": "a", "image": image}]}
    _, app = proposed(write(tmp_path, {"taskdef.json": json.dumps({"taskDefinition": taskdef})}))
    assert only(app).build.image == image
    (tmp_path / "Shop Two" / "Dockerfile").write_text("FROM x")
    app = loads(propose(tmp_path / "Shop Two"))
    assert only(app).build.context == "."


# --- what cannot be read, and anything at all ----------------------------------------------------


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "there is no Dockerfile"),
        ({"compose.yaml": "services: {}"}, "has no services"),
        ({"compose.yaml": "a: ["}, "not YAML"),
        ({"taskdef.json": "{"}, "not JSON"),
        ({"compose.yaml": "#" * 1_000_001}, "larger than"),
    ],
)
def test_what_gives_nothing_is_said(tmp_path: Path, files: dict[str, str], says: str) -> None:
    with pytest.raises(AppFileError) as caught:
        propose(write(tmp_path, files))
    assert says in str(caught.value)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(AppFileError) as caught:
        propose(tmp_path / "nowhere")
    assert caught.value.number == "TG207"


TEXT = st.text(max_size=12) | st.sampled_from(["${A}", "$", "80:80", "8080", "0.5", "512M", "../x"])
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def of_keys(names: str) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(st.sampled_from(names.split()), ANY, max_size=8)


SERVICE = of_keys(
    "build image ports expose environment command deploy healthcheck user cpus mem_limit scale"
)
CONTAINER = of_keys(
    "name image portMappings cpu memory environment secrets healthCheck command user volumesFrom"
)


def loads_or_refused(files: dict[str, object]) -> None:
    """What is proposed from these JSON files loads, unless nothing is."""
    with TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_text(json.dumps(data))
        try:
            text = propose(Path(folder))
        except AppFileError:
            return
        loads(text)


@settings(max_examples=100, deadline=None)
@given(services=st.dictionaries(TEXT, SERVICE, min_size=1, max_size=3))
def test_whatever_a_compose_file_says_the_proposal_loads(services: dict[str, object]) -> None:
    loads_or_refused({"compose.yaml": {"services": services}})


@settings(max_examples=100, deadline=None)
@given(containers=st.lists(CONTAINER, max_size=3), spec=ANY)
def test_whatever_a_task_definition_says_the_proposal_loads(
    containers: list[object], spec: object
) -> None:
    appspec = {"Hooks": spec, "Resources": spec}
    loads_or_refused(
        {"taskdef.json": {"containerDefinitions": containers}, "appspec.yaml": appspec}
    )


# --- Ports ---------------------------------------------------------------------------------------


def test_a_second_app_on_a_machine_gets_ports_of_its_own(tmp_path: Path) -> None:
    root = write(tmp_path, {"Dockerfile": "FROM nginx\nEXPOSE 80"})
    text = propose(root, (8082, 8083))
    listener = loads(text).listener
    assert (listener.port, listener.test_port) == (8082, 8083)
    assert "# 8080 or 8081 was taken when this was written." in text


def test_where_the_usual_ports_are_free_the_file_says_nothing_of_them(tmp_path: Path) -> None:
    root = write(tmp_path, {"Dockerfile": "FROM nginx\nEXPOSE 80"})
    assert propose(root, (8080, 8081)) == propose(root)
    assert "listener" not in propose(root)


def test_a_pair_of_ports_is_free_as_a_pair() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        held = holder.getsockname()[1]
        port, test_port = free_pair("127.0.0.1", held - 1)
        assert port > held - 1 and test_port == port + 1
        assert taken("127.0.0.1", held) and not taken("127.0.0.1", port)


def test_no_pair_is_beyond_the_last_port() -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 65_534))
        assert free_pair("127.0.0.1", 65_534) == (65_534, 65_535)
