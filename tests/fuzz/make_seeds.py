#!/usr/bin/env python3
"""Writes seeds for the fuzz targets: small valid files of every kind that the reader tells apart.

usage: make_seeds.py FOLDER     (writes FOLDER/fuzz_npy and so on)
"""
import io
import json
import pathlib
import pickle
import struct
import sys
import zipfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import answers  # noqa: E402
import torch_files  # noqa: E402


def npy(descr, shape, data, fortran=False, version=1):
    text = repr({"descr": descr, "fortran_order": fortran, "shape": tuple(shape)}).encode() + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def floats(*values, code="<f"):
    return b"".join(struct.pack(code, value) for value in values)


def uniform(count, tokens, code="<f"):
    return floats(*[1 / tokens] * count, code=code)


def safetensors(tensors, metadata=None):
    header, blobs, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name, (dtype, shape, blob) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def npz(members, method=zipfile.ZIP_STORED, comment=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name + ".npy", data)
        archive.comment = comment
    return buffer.getvalue()


def npy_seeds():
    causal = floats(1, 0, 0, .5, .5, 0, .25, .25, .5)
    yield npy("<f4", (3, 3), causal)
    yield npy("<f4", (2, 2, 3), uniform(12, 3), fortran=True)
    yield npy("<f2", (1, 2, 2, 2), uniform(8, 2, "<e"), version=2)
    yield npy(">f8", (1, 1, 1, 2, 2), uniform(4, 2, ">d"), version=3)
    yield npy("|V2", (2, 2), b"\x00\x3f" * 4)
    yield npy("<f4", (2, 2), floats(-1, 2, float("-inf"), 3))
    yield npy("<f4", (2, 2), floats(float("nan"), 2, 1, 3))
    yield npy("|O", (2,), b"\x80\x04.")
    yield b"\x93NUMPY\x01\x00" + struct.pack("<H", 70) + b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2L,)}".ljust(70)


def npz_seeds():
    weights, tokens = npy("<f4", (1, 2, 3, 3), uniform(18, 3)), npy("<U2", (3,), "a\0bcd\0".encode("utf-32-le"))
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        yield npz({"attentions": weights, "tokens": tokens}, method)
    yield npz({f"arr_{n}": npy("<f2", (2, 2), uniform(4, 2, "<e")) for n in range(3)}, comment=b"hello")
    yield npz({"blocks.0.attn.hook_q": npy("<f4", (3, 2, 2), uniform(12, 1)),
               "blocks.0.attn.hook_k": npy("<f4", (3, 1, 2), uniform(6, 1)),
               "input_ids": npy("<i8", (1, 3), struct.pack("<3q", 1, 2, 3)), "x": npy("|O", (), b"\x80.")}, zipfile.ZIP_DEFLATED)


def safetensors_seeds():
    q, k = ("F32", [1, 3, 2, 2], uniform(12, 1)), ("F32", [1, 3, 1, 2], uniform(6, 1))
    yield safetensors({"blocks.0.attn.hook_q": q, "blocks.0.attn.hook_k": k,
                       "blocks.0.attn.lse": ("F32", [1, 2, 3], floats(1, 1, 1, 1, 1, 1))},
                      {"attn.scale": "0.5", "attn.causal": "true", "tokens": '["a", "\\u0120b", "<s>"]', "model": "m"})
    yield safetensors({"blocks.7.attn.hook_rot_q": q, "blocks.7.attn.hook_rot_k": k},
                      {"attn.window": "2", "attn.softcap": "3", "attn.causal": "false", "attn.n_kv_heads": "1"})
    yield safetensors({"encoder.0.attn.hook_pattern": ("F16", [1, 1, 2, 2], uniform(4, 2, "<e")),
                       "decoder.0.cross_attn.hook_pattern": ("BF16", [1, 1, 3, 2], b"\x00\x3f" * 6),
                       "tokens.json": ("U8", [9], b'["a","b"]')}, {"attn.kind": "weights"})
    yield safetensors({"blocks.1.attn.hook_attn_scores": ("F32", [1, 1, 2, 2], floats(1, float("-inf"), -2, 0.5))})
    yield safetensors({"attn.0": ("F8_E4M3", [2, 2], b"\x30" * 4), "attn.1": ("F8_E5M2", [2, 2], b"\x38" * 4),
                       "q_tokens": ("I32", [2], b"\1\0\0\0\2\0\0\0")}, {"attn.kind": "attribution"})


def torch_seeds():
    """Archives, and the pickles inside them: the target takes both."""
    w = np.full((2, 2, 5, 5), 0.2, "<f4")
    layers = tuple(torch_files.Tensor(layer[None]) for layer in w)
    whole = torch_files.Tensor(w)
    values = [
        (layers, 2), (layers, 4), (layers, 5), (whole, 2),
        ((whole[0], whole[1].transpose(1, 2), None, whole[0].view(3, (2, 5, 5), (0, 5, 1))), 2),
        ({"attentions": layers, "tokens": list("abcde"), "model": "m", "attn.scale": 0.5}, 2),
        ({"encoder_attentions": layers, "cross_attentions": layers, "encoder_tokens": list("abcde")}, 4),
        (torch_files.generated([w[:1], w[1:]], 2), 2),
        ({"blocks.0.attn.hook_pattern": whole[0], "blocks.0.attn.hook_q": whole[1]}, 2),
        (tuple(torch_files.Parameter(layer, "subclass") for layer in layers), 2),
        ({"attentions": layers, "input_ids": torch_files.Tensor(np.arange(5, dtype="<i8"))}, 2),
    ]
    for value, protocol in values:
        content = torch_files.dumps(value, protocol=protocol)
        yield content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield archive.read("archive/data.pkl")
    output = torch_files.model_output("Output", logits=whole, attentions=layers)
    yield torch_files.dumps(output, [type(output)])
    yield pickle.dumps({"a": [1, -2, 3.5, 1 << 70, None, True, b"x"], "self": {"set": {1}}}, 0)


def json_seeds():
    square, wide = [[[[0.5, 0.5], [0.25, 0.75]]]], [[[[0.5, 0.5, 0.0], [1e-3, 0.5, 0.499]]]]
    group = {"attn": square, "left_text": ["a", "b"], "right_text": ["a", "b"]}
    values = [
        {"attention": {"all": group, "ab": {"attn": wide, "left_text": ["a", "b"], "right_text": ["x", "y", "z"]}},
         "default_filter": "all", "layer": None},
        {"attention": [{**group, "name": "Encoder"}, {**group, "name": "Cross", "attn": wide}], "include_layers": [7]},
        {"attention": [{**group, "name": None, "queries": wide, "keys": wide}], "include_heads": [2]},
        {"tokens": ["\u00e9", "\n"], "attention": square[0]}, square, {"attention_scores": [[-1.5, float("-inf")], [float("nan"), 2]]},
        {"token_ids": [1, 2], "a": {"b": [[["x"], []], [True, None]]}, "attention": square[0][0]},
    ]
    values += [make([" a", "\u00e9\n", "<0xE2>"], [0.5, 0.25, 0.125]) for make in answers.FORMS.values()] + [answers.explanation()]
    values[-4]["prompt_token_ids"] = [1, 2, 3]
    for value in values:
        yield json.dumps(value).encode()
    yield answers.stream(["a", "b"], [0.5, 0.75], choices=2).encode()
    yield b"".join(json.dumps({"custom_id": str(n), "response": {"body": answers.chat(["x"], [0.5])}}).encode() + b"\n" for n in range(3))


def settings_seeds():
    return [b"# remark\ntheme = light\r\nscale=1.25\n\n[keys]\nCtrl+K = cmap next\n= = zoom 2\nCtrl+= = fit\nF12 = none\n",
            b"\xef\xbb\xbftheme = dark\ntheme = light\nnothing\n[other]\nx = y\n", b"[keys]\nk = fit\nK = fit\n? = x"]


if __name__ == "__main__":
    files = {"npy": list(npy_seeds()), "npz": list(npz_seeds()), "safetensors": list(safetensors_seeds()),
             "torch": list(torch_seeds()), "json": list(json_seeds())}
    files["container"] = [seeds[0] for seeds in files.values()]
    for kind, seeds in (*files.items(), ("settings", settings_seeds())):
        folder = pathlib.Path(sys.argv[1]) / f"fuzz_{kind}"
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (folder / f"seed-{number}.{kind}").write_bytes(seed)
