# Copyright (c) 2026 Shoji contributors
#
# This program and the accompanying materials are made available under the
# terms of the Eclipse Public License 2.0, available at
# https://www.eclipse.org/legal/epl-2.0/
#
# SPDX-License-Identifier: EPL-2.0
"""Vibration of a machine with a rolling element bearing, as an accelerometer on its housing records it.

Sources of the model:
- Kinematics (`Bearing`): defect frequencies of a bearing that rolls without slip, outer race at rest, as in
  R. B. Randall, J. Antoni, "Rolling element bearing diagnostics - A tutorial", Mechanical Systems and Signal
  Processing 25 (2011) 485-520, equations 1 to 4.
- A point defect gives a train of impulses, weighted by the load where the contact happens and each answered by the
  structure's resonances: P. D. McFadden, J. D. Smith, "Model for the vibration produced by a single point defect in a
  rolling element bearing", Journal of Sound and Vibration 96 (1984) 69-82. The load follows Stribeck's distribution.
- Rolling elements slip: the intervals vary by 1 to 2 % and the variation accumulates, J. Antoni, R. B. Randall,
  "A stochastic model for simulation and diagnostics of rolling element bearings with localized faults", Journal of
  Vibration and Acoustics 125 (2003) 282-289.

Everything is computed at four times the recording's rate and then low-pass filtered and decimated, as a sensor's
converter does, so that the impulses do not alias.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal

RATE = 12000
OVERSAMPLING = 4
NORMAL, INNER, OUTER, BALL = range(4)
LABELS = ["normal", "inner race", "outer race", "ball"]


@dataclass(frozen=True)
class Bearing:
    """Geometry: number of rolling elements, their diameter and the pitch diameter in mm, contact angle in degrees."""

    name: str
    elements: int
    diameter: float
    pitch: float
    angle: float = 0.0

    @property
    def gamma(self):
        return self.diameter / self.pitch * np.cos(np.radians(self.angle))

    @property
    def ftf(self):
        """Fundamental train frequency: revolutions of the cage per revolution of the shaft."""
        return (1 - self.gamma) / 2

    @property
    def bpfo(self):
        """Ball pass frequency, outer race: impacts per revolution of the shaft."""
        return self.elements * (1 - self.gamma) / 2

    @property
    def bpfi(self):
        """Ball pass frequency, inner race: impacts per revolution of the shaft."""
        return self.elements * (1 + self.gamma) / 2

    @property
    def bsf(self):
        """Ball spin frequency: spins of an element per revolution of the shaft. A defect of the element strikes
        both races in each spin, so its impacts come at twice this figure."""
        return self.pitch / (2 * self.diameter) * (1 - self.gamma ** 2)


# Bearings of well-known public test rigs, with the geometry that the rigs' descriptions give. Only used for testing.
RIG_BEARINGS = [
    Bearing("6205 (Case Western Reserve University, drive end)", 9, 7.940, 39.04),
    Bearing("6203 (Case Western Reserve University, fan end)", 8, 6.746, 28.50),
    Bearing("ZA-2115 (University of Cincinnati, IMS)", 16, 8.407, 71.50, 15.17),
    Bearing("UER204 (Xi'an Jiaotong University, XJTU-SY)", 8, 7.920, 34.55),
    Bearing("NICE (Society for Machinery Failure Prevention)", 8, 5.969, 31.62),
    Bearing("PRONOSTIA (FEMTO-ST)", 13, 3.500, 25.60),
]


@dataclass(frozen=True)
class Machine:
    """One machine and the sensor on it. Levels are relative to the broadband noise, whose RMS is 1."""

    bearing: Bearing
    modes: tuple            # resonances: (frequency in Hz, damping ratio, gain)
    slip: float             # standard deviation of an impact interval, relative
    load_extent: float      # Stribeck's load extent: at 0.5 half of the race carries load, at 1 all of it
    load_swing: float       # share of the load that turns with the shaft, from imbalance
    harmonics: tuple        # amplitudes of the shaft's 1st, 2nd, ... harmonic
    teeth: int              # of the gear that the shaft drives; 0 without a gear
    gear: tuple             # amplitudes of the mesh frequency's harmonics
    gear_modulation: float  # depth of the mesh amplitude's modulation by the shaft
    mains: tuple            # frequency in Hz, amplitude of it and of its double
    colour: float           # spectral slope of the background noise: 0 white, 1 pink
    structure: float        # share of the noise power that has passed the structure's resonances
    shocks: float           # unrelated knocks per second, in every condition of the bearing
    speed_swing: float      # relative amplitude of the slow speed variation
    gain: float             # full-scale units of the recorder per unit of vibration


def random_machine(rng, bearing, colour, structure):
    """A machine with that bearing; colour and structure of its noise are drawn from the given ranges."""
    modes = tuple(
        (float(rng.uniform(low, high)), float(rng.uniform(0.012, 0.05)), float(rng.uniform(0.4, 1.0)))
        for low, high in ((1300, 2500), (2500, 3900), (3900, 5400)))
    return Machine(
        bearing=bearing,
        modes=modes,
        slip=float(rng.uniform(0.01, 0.02)),
        load_extent=float(rng.uniform(0.3, 0.7)),
        load_swing=float(rng.uniform(0, 0.25)),
        harmonics=tuple(float(level) for level in rng.uniform(0.05, 0.8, 4) / np.arange(1, 5) ** 0.5),
        teeth=int(rng.integers(17, 42)) if rng.random() < 0.6 else 0,
        gear=tuple(float(level) for level in rng.uniform(0.05, 0.5, 2) / np.arange(1, 3)),
        gear_modulation=float(rng.uniform(0.05, 0.3)),
        mains=(50.0 if rng.random() < 0.5 else 60.0, float(rng.uniform(0, 0.25)), float(rng.uniform(0, 0.15))),
        colour=float(rng.uniform(*colour)),
        structure=float(rng.uniform(*structure)),
        shocks=float(rng.uniform(0, 2)),
        speed_swing=float(rng.uniform(0.002, 0.02)),
        gain=float(np.exp(rng.uniform(np.log(0.003), np.log(0.03)))))


def random_bearing(rng, index):
    """A bearing of usual proportions that is none of the rigs': its outer race figure differs from each of theirs."""
    while True:
        elements = int(rng.integers(7, 17))
        # Elements fill the pitch circle to between 55 and 85 %.
        ratio = rng.uniform(0.55, 0.85) * np.sin(np.pi / elements)
        angle = float(rng.choice([0.0, 0.0, 0.0, 15.0]))
        bearing = Bearing(f"generated {index}", elements, float(40 * ratio), 40.0, angle)
        if 0.12 < ratio < 0.3 and all(abs(bearing.bpfo / rig.bpfo - 1) > 0.01 for rig in RIG_BEARINGS):
            return bearing


def record(machine, condition, speed, snr, seconds, rng):
    """A recording of the machine.

    :param condition: of the bearing, NORMAL, INNER, OUTER or BALL
    :param speed: mean speed of the shaft in Hz
    :param snr: power of the defect's vibration over that of the broadband noise, in dB; without effect if NORMAL
    :return: INT16 [seconds * RATE], clipped at the recorder's full scale
    """
    rate = RATE * OVERSAMPLING
    size = int(round(seconds * rate))
    time = np.arange(size) / rate
    swing = machine.speed_swing * np.sin(2 * np.pi * (rng.uniform(0.2, 1.5) * time + rng.random()))
    drift = machine.speed_swing * 0.3 * np.cumsum(rng.standard_normal(size)) / np.sqrt(size)
    turns = rng.random() + np.cumsum(speed * (1 + swing + drift)) / rate
    response = _response(machine, rate)

    total = _broadband(machine, response, size, rng) + _interference(machine, turns, time, rng)
    total += _knocks(machine, response, size, rng)
    if condition != NORMAL:
        fault = _through(_impacts(machine, condition, turns, rng), response)
        total += fault * (10 ** (snr / 20) / np.sqrt(np.mean(fault ** 2)))
    recorded = signal.resample_poly(total, 1, OVERSAMPLING) * machine.gain
    return np.clip(np.rint(recorded * 32768), -32768, 32767).astype(np.int16)


def _response(machine, rate):
    """Impulse response of the structure: decaying sinusoids, cut where the slowest has fallen by 80 dB."""
    longest = max(1 / (2 * np.pi * frequency * damping) for frequency, damping, _ in machine.modes)
    time = np.arange(int(9.2 * longest * rate)) / rate
    return sum(gain * np.exp(-2 * np.pi * frequency * damping * time)
               * np.sin(2 * np.pi * frequency * np.sqrt(1 - damping ** 2) * time)
               for frequency, damping, gain in machine.modes)


def _through(excitation, response):
    return signal.fftconvolve(excitation, response)[:len(excitation)]


def _broadband(machine, response, size, rng):
    """Coloured noise of RMS 1 in the recorder's band, part of it filtered by the structure."""
    frequency = np.fft.rfftfreq(size, 1 / (RATE * OVERSAMPLING))
    spectrum = np.fft.rfft(rng.standard_normal(size))
    spectrum *= np.maximum(frequency, 20.0) ** (-machine.colour / 2)
    background = _unit_in_band(np.fft.irfft(spectrum, size))
    structural = _unit_in_band(_through(rng.standard_normal(size), response))
    return np.sqrt(1 - machine.structure) * background + np.sqrt(machine.structure) * structural


def _unit_in_band(noise):
    return noise / np.sqrt(np.mean(signal.resample_poly(noise, 1, OVERSAMPLING) ** 2))


def _interference(machine, turns, time, rng):
    """Shaft harmonics (imbalance, misalignment), gear mesh with sidebands, mains hum."""
    total = np.zeros(len(time))
    for order, level in enumerate(machine.harmonics, 1):
        total += level * np.sin(2 * np.pi * (order * turns + rng.random()))
    if machine.teeth:
        modulation = 1 + machine.gear_modulation * np.sin(2 * np.pi * (turns + rng.random()))
        for order, level in enumerate(machine.gear, 1):
            total += level * modulation * np.sin(2 * np.pi * (order * machine.teeth * turns + rng.random()))
    mains, *levels = machine.mains
    for order, level in enumerate(levels, 1):
        total += level * np.sin(2 * np.pi * (order * mains * time + rng.random()))
    return total


def _knocks(machine, response, size, rng):
    count = rng.poisson(machine.shocks * size / (RATE * OVERSAMPLING))
    excitation = np.zeros(size)
    excitation[rng.integers(0, size, count)] = rng.uniform(2, 8, count) * rng.choice([-1, 1], count)
    return _through(excitation, response / np.abs(response).max())


def _impacts(machine, condition, turns, rng):
    """The train of impacts at the oversampled rate; one between two samples is shared by both."""
    bearing = machine.bearing
    per_turn = {INNER: bearing.bpfi, OUTER: bearing.bpfo, BALL: 2 * bearing.bsf}[condition]
    span = turns[-1] - turns[0]
    intervals = (1 + machine.slip * rng.standard_normal(int(span * per_turn * 1.2) + 8)) / per_turn
    angles = turns[0] + rng.random() / per_turn + np.cumsum(intervals)
    angles = angles[angles < turns[-1]]
    places = np.interp(angles, turns, np.arange(len(turns)))

    # Where in the load zone each impact happens, in revolutions from the point of greatest load.
    if condition == INNER:
        zone = angles + rng.random()
    elif condition == BALL:
        zone = angles * bearing.ftf + rng.random()
    else:
        zone = np.full(len(angles), rng.uniform(-0.08, 0.08))
    load = 1 - (1 - np.cos(2 * np.pi * zone)) / (2 * machine.load_extent)
    load = np.maximum(load, 0) * (1 + machine.load_swing * np.cos(2 * np.pi * (angles + rng.random())))
    strength = load ** 1.5 * (1 + 0.1 * rng.standard_normal(len(angles)))
    if condition == BALL:
        # A strike on the inner race reaches the sensor through one more contact than one on the outer race.
        strength[1::2] *= rng.uniform(0.6, 0.9)
    excitation = np.zeros(len(turns) + 1)
    whole = places.astype(np.int64)
    np.add.at(excitation, whole, strength * (1 - (places - whole)))
    np.add.at(excitation, whole + 1, strength * (places - whole))
    return excitation[:-1]
