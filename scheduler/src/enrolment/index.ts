export { Enrolment, type Officer } from './enrolment.ts';
export { Retiring } from './retiring.ts';
