import { mount } from 'svelte';
// oxlint-disable-next-line import/no-unassigned-import -- styles have nothing to name
import './styles/index.css';
import App from './app.svelte';
import { loadWords } from './words/index.ts';

const target = document.getElementById('app');
if (target === null) throw new Error('The page has no element #app');
await loadWords();
mount(App, { target });
