"""Waveforms → condition indicators, ISO 20816 zone, bearing diagnosis by physics. Nothing learns.

``signals``     spectra of equally spaced samples
``indicators``  RMS, peak, crest factor, kurtosis, RMS velocity, bands
``faults``      fault frequencies of bearings, envelope spectrum, lines in it
``analysis``    all of it for one waveform of a product in the catalogue
"""

from models.vibration.analysis import (
    Analysis,
    Finding,
    Verdict,
    Why,
    analyse,
    indicators_of,
    levels_of,
    named,
)

__all__ = [
    "Analysis",
    "Finding",
    "Verdict",
    "Why",
    "analyse",
    "indicators_of",
    "levels_of",
    "named",
]
