# SPDX-License-Identifier: Apache-2.0
"""What networks are called before their owners say otherwise: a symbol for the token, and a name.

Both follow from the number of the network. The first is the root's; a symbol is used once, so a network whose own is
taken gets the first that is free.
"""

from __future__ import annotations

from typing import Final

__all__ = ["NAMES", "ROOT_SYMBOL", "SYMBOLS"]

SYMBOLS: Final = (
    "\u03a4\u03b1\u03b2\u03b3\u03b4\u03b5\u03b6\u03b7\u03b8\u03b9\u03ba\u03bb\u03bc\u03bd\u03be\u03bf"
    "\u03c0\u03c1\u03c3t\u03c5\u03c6\u03c7\u03c8\u03c9\u05d0\u05d1\u05d2\u05d3\u05d4\u05d5\u05d6\u05d7"
    "\u05d8\u05d9\u05da\u05db\u05dc\u05dd\u05de\u05df\u05e0\u05e1\u05e2\u05e3\u05e4\u05e5\u05e6\u05e7"
    "\u05e8\u05e9\u05ea\u0627\u0628\u062a\u062b\u062c\u062d\u062e\u062f\u0630\u0631\u0632\u0633\u0634"
    "\u0635\u0636\u0637\u0638\u0639\u063a\u0641\u0642\u0643\u0644\u0645\u0646\u0647\u0648\u064a\u0649"
    "\u16a0\u16a2\u16a6\u16a8\u16b1\u16b3\u042b\u16c9\u16d2\u1680\u1681\u1682\u1683\u1684\u1685\u169b"
    "\u10d0\u10d1\u10d2\u10d3\u10d4\u10d5\u0531\u0532\u0533\u0534\u0535\u0536\u055e\u0400\u0401\u0402"
    "\u0403\u0404\u0405\u044a\u2c80\u2c81\u2c82\u2c83\u2c84\u2c85\U00011000\U00011001\U00011002\U00011003"
    "\U00011005\u0db1\u0db3\u0db4\u0db5\u0db6\u0db7\u2c00\u2c01\u2c02\u2c03\u2c04\u2c05\u2c06\u2c07\u2c08"
    "\u2c09\u2c0a\u2c0b\u2c0c\u2c0d\u2c0e\u2c0f\u2c10\u2c11\u2c12\u2c13\u2c14\u2c15\u2c16\u2c17\u2c18"
    "\u2c19\u2c1a\u2c1b\u2c1c\u2c1d\u2c1e\u2c1f\u2c20\u0e01\u0e02\u0e03\u0e04\u0e05\u0e06\u0e07\u0e08"
    "\u0e09\u0e0a\u0e0b\u0e0c\u0e0d\u0e0e\u0e0f\u0e10\u0e11\u0e12\u0e13\u0e14\u0e15\u0e16\u0e17\u0e18"
    "\u0e19\u0e1a\u0e1b\u0e1c\u0e1d\u0e1e\u0e1f\u0e20\u0e21\u0e22\u0e23\u0e25\u0e27\u0e28\u0e29\u0e2a"
    "\u0e2b\u0e2c\u0e2d\u0e2e\u3131\u3134\u3137\u3139\u3141\u3142\u3145\u3147\u3148\u314a\u314b\u314c"
    "\u314d\u314e\u314f\u3150\u3151\u3152\u3153\u3154\u3155\u3156\u3157\u3158\u3159\u315a\u315b\u315c"
    "\u315d\u315e\u315f\u3160\u3161\u3162\u3163\u12a0\u12a1\u12a2\u12a3\u12a4\u12a5\u12a6\u12a7\u12c8"
    "\u12c9\u12ca\u12cb\u12cc\u12cd\u12ce\u12b0\u12b1\u12b2\u12b3\u12b4\u12b5\u12b6\u1310\u1311\u1312"
    "\u1218\u1314\u1315\u1316\u0905\u0906\u0907\u0908\u0909\u090a\u090b\u090f\u0910\u0913\u0914\u0915"
    "\u0916\u0917\u0918\u0919\u091a\u091b\u091c\u091d\u091e\u091f\u0920\u0921\u0922\u0923\u0924\u0925"
    "\u0926\u0927\u0928\u092a\u092b\u092c\u092d\u092e\u092f\u0930\u0932\u0935\u0936\u0937\u0938\u0939"
    "\u30a2\u30a4\u30a6\u30a8\u30aa\u30ab\u30ad\u30af\u30b1\u30b3\u30b5\u30b7\u30b9\u30bb\u30bd\u30bf"
    "\u30c1\u30c4\u30c6\u30c8\u30ca\u30cb\u30cc\u30cd\u30ce\u30cf\u30d2\u30d5\u30d8\u30db\u30de\u30df"
    "\u30e0\u30e1\u30e2\u30e4\u30e6\u30e8\u30e9\u30ea\u30eb\u30ec\u30ed\u30ef\u30f2\u30f3\u2d30\u2d31"
    "\u2d32\u2d33\u2d34\u2d35\u2d36\u2d37\u2d38\u2d39\u2d3a\u2d3b\u2d3c\u2d3d\u2d3e\u2d3f\u2d40\u2d41"
    "\u2d42\u2d43\u2d44\u2d45\u2d46\u2d47\u2d48\u2d49\u2d4a\u2d4b\u2d4c\u2d4d\u2d4e\u2d4f\u2d50\u2d51"
    "\u2d52\u2d53\u0d85\u0d86\u0d89\u0d8a\u0d8b\u0d8c\u0d8d\u0d8e\u0d8f\u0d90\u0d91\u0d92\u0d93\u0d94"
    "\u0d95\u0d96\u0d9a\u0d9b\u0d9c\u0d9d\u0d9e\u0da0\u0da1\u0da2\u0da3\u0da4\u0da7\u0da5\u0da6\u0da9"
    "\u0da8\u0daa\u0dab\u0dac\u0dad\u0dae\u0daf\u0db0"
)
"""The symbols of tokens, one character each, by the number of the network."""

ROOT_SYMBOL: Final = SYMBOLS[0]
"""What a network gets when all symbols are taken."""

_WORDS: Final = """
root apex omron templar targon kaito infinite subvortex ptn pretrain sturdy dippy horde dataverse palaidn deval
bitads 3gen cortex inference bitagent any-any meta social omega protein alchemy compute oracle coldint bet naschain
itsai ready mind logic automata tuning distributed edge chunk sportsensor masa graphite score gen42 neural condense
nextplace automl audio celium dojo frontier safescan unknown gradients gaia dippy-speach agent-arena unknown
red~team agentao lean-in chutes sad dad ta dha ain ghayn fa qaf kaf lam mim nun ha waw ya alef fehu uruz thurisaz
ansuz raidho kaunan cyr_yeru algiz berkanan ogham beith luis fearn sail nion forfeda ani bani gani doni eni vini ayp
ben gim da ech za armeni grave io dje gje ie dze hard_sign alfa alfas vida vida_small gamma gamma_small brahmi_a
brahmi_aa brahmi_i brahmi_ii brahmi_u la va sha ssa sa ha glagolitic_az glagolitic_buky glagolitic_vede
glagolitic_glagoli glagolitic_dobro glagolitic_yest glagolitic_zhivete glagolitic_zemlja glagolitic_izhe
glagolitic_initial_izhe glagolitic_i glagolitic_djerv glagolitic_kako glagolitic_ljudije glagolitic_myse
glagolitic_nash glagolitic_on glagolitic_pokoj glagolitic_rtsy glagolitic_slovo glagolitic_tvrido glagolitic_uku
glagolitic_fert glagolitic_xrivi glagolitic_ot glagolitic_cy glagolitic_shcha glagolitic_er glagolitic_yeru
glagolitic_small_yer glagolitic_yo glagolitic_yu glagolitic_ja thai_ko_kai thai_kho_khai thai_kho_khuat
thai_kho_khon thai_kho_rakhang thai_kho_khwai thai_ngo_ngu thai_cho_chan thai_cho_ching thai_cho_chang thai_so_so
thai_cho_choe thai_yo_ying thai_do_chada thai_to_patak thai_tho_than thai_tho_nangmontho thai_tho_phuthao
thai_no_nen thai_do_dek thai_to_tao thai_tho_thung thai_tho_thahan thai_tho_thong thai_no_nu thai_bo_baimai
thai_po_pla thai_pho_phung thai_fo_fa thai_pho_phan thai_fo_fan thai_pho_samphao thai_mo_ma thai_yo_yak thai_ro_rua
thai_lo_ling thai_wo_waen thai_so_sala thai_so_rusi thai_so_sua thai_ho_hip thai_lo_chula thai_o_ang thai_ho_nokhuk
hangul_giyeok hangul_nieun hangul_digeut hangul_rieul hangul_mieum hangul_bieup hangul_siot hangul_ieung
hangul_jieut hangul_chieut hangul_kieuk hangul_tieut hangul_pieup hangul_hieut hangul_a hangul_ae hangul_ya
hangul_yae hangul_eo hangul_e hangul_yeo hangul_ye hangul_o hangul_wa hangul_wae hangul_oe hangul_yo hangul_u
hangul_weo hangul_we hangul_wi hangul_yu hangul_eu hangul_ui hangul_i ethiopic_glottal_a ethiopic_glottal_u
ethiopic_glottal_i ethiopic_glottal_aa ethiopic_glottal_e ethiopic_glottal_ie ethiopic_glottal_o ethiopic_glottal_wa
ethiopic_wa ethiopic_wu ethiopic_wi ethiopic_waa ethiopic_we ethiopic_wye ethiopic_wo ethiopic_ko ethiopic_ku
ethiopic_ki ethiopic_kua ethiopic_ke ethiopic_kwe ethiopic_ko_alt ethiopic_go ethiopic_gu ethiopic_gi ethiopic_gua
ethiopic_ge ethiopic_gwe ethiopic_go_alt devanagari_a devanagari_aa devanagari_i devanagari_ii devanagari_u
devanagari_uu devanagari_r devanagari_e devanagari_ai devanagari_o devanagari_au devanagari_ka devanagari_kha
devanagari_ga devanagari_gha devanagari_nga devanagari_cha devanagari_chha devanagari_ja devanagari_jha
devanagari_nya devanagari_ta devanagari_tha devanagari_da devanagari_dha devanagari_na devanagari_ta_alt
devanagari_tha_alt devanagari_da_alt devanagari_dha_alt devanagari_na_alt devanagari_pa devanagari_pha devanagari_ba
devanagari_bha devanagari_ma devanagari_ya devanagari_ra devanagari_la devanagari_va devanagari_sha devanagari_ssa
devanagari_sa devanagari_ha katakana_a kana_i kana_u kana_e kana_o kana_a kana_ki kana_ku kana_ke kana_ko kana_sa
kana_shi kana_su kana_se kana_so kana_ta kana_chi kana_tsu kana_te kana_to kana_na kana_ni kana_nu kana_ne kana_no
kana_ha kana_hi kana_fu kana_he kana_ho kana_ma kana_mi kana_mu kana_me kana_mo kana_ya kana_yu kana_yo kana_ra
kana_ri kana_ru kana_re kana_ro kana_wa kana_wo kana_n ya yab yabh yag yagh yaj yach yad yadh yadhe yaz yazh yaf yak
yakv yaq yah yahh yahl yahm yayn yakh yakl yahq yash yi yij yizh yink yal yam yan yang yany yap yu a aa i ii u uu r
rr l ll e ee ai o oo au ka kha ga gha nga cha chha ja jha nya ta tha da dha na pa pha ba bha ma ya ra
"""
NAMES: Final = tuple(word.replace("~", " ") for word in _WORDS.split())
"""The names of networks, by their number."""
