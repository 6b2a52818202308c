import { mount } from 'svelte';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import App from './app.svelte';
import { loadWords } from './words/index.ts';

const target = document.getElementById('app');
if (target === null) throw new Error('The page has no element #app');
await loadWords();
mount(App, { target });
