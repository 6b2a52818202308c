export { People, type PeopleOptions, type Session, type SignedIn } from './people.ts';
