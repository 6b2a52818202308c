/** What stands at the top of the page: set by each page, drawn by the frame. */
class Heading {
  title = $state('');
  note = $state('');

  set(title: string, note = ''): void {
    this.title = title;
    this.note = note;
  }
}

export const heading = new Heading();
