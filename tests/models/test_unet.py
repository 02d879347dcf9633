"""Encoder, decoder, head: built, taken apart, transplanted, held still, their layers named."""

import pytest
import torch
from torch import nn

from reprise.models.parts import transplant
from reprise.models.unet import DECODERS, EncoderDecoder, build

SMALL = {"encoder": "mobilenetv3_small_050", "decoder_channels": (16, 16, 8, 8, 8)}


def small(classes=3, seed=0, **options):
    return build(classes, **{**SMALL, **options}, seed=seed)


@pytest.fixture
def images():
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def _same(a: nn.Module, b: nn.Module) -> bool:
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_equal_seeds_build_equal_networks_and_leave_the_global_stream_alone(images):
    torch.manual_seed(5)
    before = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = small(), small(), small(seed=1)
    assert torch.equal(torch.rand(1), before)
    assert _same(first, again)
    assert not _same(first.encoder, other.encoder)
    assert first(images).shape == (2, 3, 64, 96)


def test_the_parts_one_after_the_other_are_the_network(images):
    import segmentation_models_pytorch as smp

    with torch.random.fork_rng():
        torch.manual_seed(0)
        whole = smp.Unet(
            "tu-mobilenetv3_small_050", encoder_weights=None, classes=3, decoder_channels=(16, 16, 8, 8, 8)
        )
    ours = small().eval()
    assert torch.equal(ours(images), whole.eval()(images))
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in whole.parameters())


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_decoder_by_name_has_layers_in_all_parts(decoder):
    network = build(2, "mobilenetv3_small_050", decoder)
    layers = network.layers()
    assert list(layers) == ["encoder", "decoder", "head"] and all(layers.values())
    outputs = network.eval().outputs(torch.rand(2, 3, 64, 64))
    assert list(outputs) == [name for names in layers.values() for name in names]
    assert outputs["logits"].shape == (2, 2, 64, 64)
    assert all(output.shape[0] == 2 and output.ndim == 4 for output in outputs.values())


def test_outputs_are_what_the_forward_pass_computes(images):
    network = small().eval()
    outputs = network.outputs(images)
    assert torch.equal(outputs["logits"], network(images))
    assert list(outputs) == [
        *(f"encoder{i}" for i in range(1, 6)),
        *(f"decoder{i}" for i in range(1, 6)),
        "logits",
    ]
    sides = [outputs[f"encoder{i}"].shape[-1] for i in range(1, 6)]
    assert sides == [48, 24, 12, 6, 3]
    assert [outputs[f"decoder{i}"].shape[-1] for i in range(1, 6)] == [6, 12, 24, 48, 96]
    assert torch.equal(network.head(outputs["decoder5"]), outputs["logits"])


@pytest.mark.parametrize("parts", [("encoder",), ("decoder",), ("encoder", "decoder"), ("head",), ()])
def test_transplanted_parts_are_the_sources_and_the_others_stay(parts, images):
    source, target, before = small(seed=1), small(seed=2), small(seed=2)
    source.train()(images)  # moves running statistics, which belong to a part
    assert transplant(source, target, parts) is target
    for part in ("encoder", "decoder", "head"):
        origin = source if part in parts else before
        assert _same(target.get_submodule(part), origin.get_submodule(part))
    # A copy: training the target leaves the source alone.
    for parameter in target.parameters():
        parameter.data.zero_()
    assert any(p.abs().sum() > 0 for p in source.parameters())


def test_a_state_dict_is_a_source_too():
    source = small(seed=1)
    assert _same(transplant(dict(source.state_dict()), small(seed=2), ("decoder",)).decoder, source.decoder)


@pytest.mark.parametrize(
    ("other", "parts", "message"),
    [
        ({"classes": 4}, ("encoder", "head"), r"head.0.weight is \(4, 8, 3, 3\) in the source and \(3,"),
        ({"decoder_channels": (16, 12, 8, 8, 8)}, ("decoder",), r"decoder.blocks.1.conv1.0.weight is \(12,"),
        ({"encoder": "mobilenetv3_small_075"}, ("encoder",), r"encoder.model.blocks"),
        ({"decoder": "linknet", "decoder_channels": ()}, ("decoder",), "no decoder.blocks.0.conv1"),
    ],
)  # fmt: skip
def test_the_first_mismatch_is_named_and_nothing_is_changed(other, parts, message):
    source, target, before = small(**{"seed": 1, **other}), small(seed=2), small(seed=2)
    with pytest.raises(ValueError, match=message):
        transplant(source, target, parts)
    assert _same(target, before)


def test_what_the_target_lacks_is_named():
    source = small(seed=1)
    state = {**source.state_dict(), "head.0.extra": torch.zeros(1)}
    with pytest.raises(ValueError, match="the target has no head.0.extra"):
        transplant(state, small(), ("head",))


@pytest.mark.parametrize("parts", [("encoder",), ("decoder",), ("encoder", "decoder")])
def test_frozen_parts_do_not_move_and_the_others_do(parts, images):
    network, before = small().train().freeze(parts), small()
    free = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(free, 0.1)
    for _ in range(2):
        optimiser.zero_grad()
        network.train()(images).square().mean().backward()
        optimiser.step()
    for part in ("encoder", "decoder", "head"):
        assert _same(network.get_submodule(part), before.get_submodule(part)) == (part in parts)
    network.freeze(())
    assert network.encoder.training and all(p.requires_grad for p in network.parameters())


def test_layers_leave_the_network_in_the_mode_it_was_in():
    network = small()
    statistics = [b.clone() for b in network.buffers()]
    network.train().layers()
    assert network.training and all(
        torch.equal(a, b) for a, b in zip(statistics, network.buffers(), strict=True)
    )


def test_what_cannot_be_built_is_refused():
    with pytest.raises(ValueError, match="unknown decoder 'v'; there are: unet, unetplusplus"):
        build(2, decoder="v")
    with pytest.raises(ValueError, match="timm has no model 'resnet'"):
        build(2, encoder="resnet")
    with pytest.raises(ValueError, match="'fpn' takes no list of channels"):
        build(2, decoder="fpn", decoder_channels=(8,))
    with pytest.raises(ValueError, match="'unet' has 5 blocks"):
        build(2, decoder_channels=(8, 8))
    with pytest.raises(ValueError, match="no part 'neck'; a network has: encoder, decoder, head"):
        small().freeze(["neck"])
    with pytest.raises(ValueError, match="64 × 70 pixels: sides must be multiples of 32"):
        small()(torch.zeros(1, 3, 64, 70))
    with pytest.raises(ValueError, match="classes=0"):
        build(0)


@pytest.mark.network
def test_imagenet_weights_can_be_fetched():
    network, random = build(2, pretrained=True), build(2)
    assert isinstance(network, EncoderDecoder) and not _same(network.encoder, random.encoder)
