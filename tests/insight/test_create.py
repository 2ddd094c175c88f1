import pytest

from server.insight.create import create_extractor, create_generator, prepare
from server.insight.entities import mentions
from server.insight.entity_service import EntityService
from server.insight.languages import LANGUAGES
from server.model.consultation import Agent
from server.model.errors import InvalidSettings
from server.settings import Settings
from tests.insight.spoken import AGENT

ENDPOINT = {"llm_base_url": "http://127.0.0.1:9/v1", "llm_model": "m"}


def settings(**chosen: object) -> Settings:
    return Settings(_env_file=None, **chosen)  # type: ignore[arg-type,call-arg]


def test_with_nothing_configured_the_rules_stand_alone() -> None:
    generator, fallback = create_generator(settings(), AGENT)
    assert (generator.name, fallback) == ("rules", None)


@pytest.mark.parametrize(
    "chosen", [ENDPOINT, ENDPOINT | {"llm_provider": "openai_compatible"}, {"llm_provider": "scripted"}]
)
async def test_a_model_has_the_rules_behind_it(chosen: dict[str, object]) -> None:
    generator, fallback = create_generator(settings(**chosen), AGENT)
    assert generator.name == chosen.get("llm_provider", "openai_compatible")
    assert fallback is not None
    assert fallback.name == "rules"
    await generator.aclose()


async def test_an_agent_may_choose_its_model_or_none() -> None:
    generator, fallback = create_generator(settings(**ENDPOINT), AGENT.model_copy(update={"chat_model": "rules"}))
    assert (generator.name, fallback) == ("rules", None)
    only_here = Agent(id="a", name="a", chat_model="other")
    generator, _ = create_generator(settings(llm_base_url="http://127.0.0.1:9/v1"), only_here)
    await generator.aclose()


@pytest.mark.parametrize("name", ["no_such", "options", "../rules", "os.path", "Rules", ""])
def test_an_unknown_provider_is_named(name: str) -> None:
    chosen = settings(llm_provider=name or "__init__")
    with pytest.raises(InvalidSettings, match="LLM_PROVIDER"):
        create_generator(chosen, AGENT)
    with pytest.raises(InvalidSettings, match="LLM_PROVIDER"):
        prepare(chosen)


def test_prepare_finds_a_missing_model_before_any_consultation() -> None:
    prepare(settings())
    prepare(settings(**ENDPOINT))
    with pytest.raises(InvalidSettings, match="LLM_MODEL"):
        prepare(settings(llm_base_url="http://127.0.0.1:9/v1"))


def test_entities_are_found_by_the_rules_unless_the_model_is_chosen_for_them() -> None:
    for chosen in ({}, ENDPOINT, {"entity_provider": "llm"}):
        extractor, stand_in = create_extractor(settings(**chosen), AGENT)
        assert (extractor.name, stand_in) == ("rules", None)


async def test_a_model_that_finds_entities_has_the_rules_behind_it_and_an_agent_may_do_without() -> None:
    chosen = settings(**ENDPOINT, entity_provider="llm")
    extractor, stand_in = create_extractor(chosen, AGENT)
    assert extractor.name == "openai_compatible"
    assert stand_in is not None
    assert stand_in.name == "rules"
    await extractor.aclose()
    extractor, stand_in = create_extractor(chosen, AGENT.model_copy(update={"chat_model": "rules"}))
    assert (extractor.name, stand_in) == ("rules", None)


def test_a_model_for_entities_that_is_not_there_is_named_at_the_start() -> None:
    with pytest.raises(InvalidSettings, match="ENTITY_PROVIDER"):
        prepare(settings(entity_provider="llm"))
    prepare(settings(entity_provider="llm", **ENDPOINT))


def test_the_vocabularies_are_compiled_before_any_consultation() -> None:
    mentions.automaton.cache_clear()
    EntityService(settings()).prepare()
    assert mentions.automaton.cache_info().currsize == len(LANGUAGES)
