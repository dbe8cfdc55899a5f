/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calibration - gain, pole and delay of a sensor out of points beside a reference.
 *
 * The lead of a CT with a pole tau and a delay d is atan(1 / (w tau)) - w d. At one frequency
 * only the sum can be told: then it is the pole where the current leads, as that holds at
 * other frequencies, too, and a delay where it lags. Points whose frequencies differ by 2 Hz
 * or more tell both.
 */
#ifndef LIB_CALIBRATION_H
#define LIB_CALIBRATION_H

#define CALIBRATION_POINTS_MAX 32
#define CALIBRATION_APART_HZ 2.0
/** A longer pole is none, s: it leads by 0.0002 degrees at 50 Hz */
#define CALIBRATION_TAU_MAX_S 1000.0
/** Nothing corrects a longer delay, either way, s */
#define CALIBRATION_DELAY_MAX_S 1e-3

/**
 * struct calibration_point - one reading beside a reference
 * @hz: frequency
 * @gain: true current per current without any correction, of gain or pole
 * @lead: by which the current without any correction leads the true one, rad
 */
struct calibration_point {
	double hz;
	double gain;
	double lead;
};

/**
 * struct calibration_result - what fits the points best
 * @gain: gain, to be used together with the pole
 * @tau_s: pole, s, at most CALIBRATION_TAU_MAX_S; 0: none
 * @delay_s: delay, s, CALIBRATION_DELAY_MAX_S at most, either way
 * @spread_gain: largest difference of a point's gain from it, as a part of it
 * @spread_lead: of a lead from that of the result, rad
 */
struct calibration_result {
	double gain;
	double tau_s;
	double delay_s;
	double spread_gain;
	double spread_lead;
};

/** calibration_lead() - lead of a model at a frequency, rad; @tau_s 0: no pole */
double calibration_lead(double tau_s, double delay_s, double hz);

/**
 * calibration_fit() - fit @n points, at least 1
 *
 * Return: 0; -EINVAL when a point is none, -ERANGE when the delay would be too long.
 */
int calibration_fit(const struct calibration_point *point, unsigned int n,
		    struct calibration_result *result);

#endif
