//! A flame graph as a picture that any browser shows: a function is as wide as what was allocated in it and what it calls.

use crate::Figure;
use crate::report::{NamedStack, Report};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::rc::Rc;

/// The height of a function, in pixels.
const HEIGHT: usize = 18;
/// The part of the whole below which a function is not drawn.
const LEAST: f64 = 0.000_5;
/// The depth from which on functions are not drawn: no screen shows them.
const DEEPEST: usize = 500;

/// What makes a click show a function and what it calls only; a click on the lowest one shows all again.
const SCRIPT: &str = "\
function zoom(event){var box=event.target.closest('.f');if(!box)return;\
var left=+box.dataset.x,wide=+box.dataset.w,depth=+box.dataset.d;\
document.querySelectorAll('.f').forEach(function(one){var x=+one.dataset.x,w=+one.dataset.w,below=+one.dataset.d<depth;\
var shown=below?x<=left+1e-9&&x+w>=left+wide-1e-9:x>=left-1e-9&&x+w<=left+wide+1e-9;\
one.style.display=shown?'':'none';\
one.setAttribute('x',below?'0%':(x-left)/wide*100+'%');one.setAttribute('width',below?'100%':w/wide*100+'%');});}\
document.querySelector('svg').addEventListener('click',zoom);";

/// A function, and those it calls.
#[derive(Default)]
struct Node {
    amount: i64,
    children: BTreeMap<(Rc<str>, Rc<str>), Node>,
}

/// A function that is to be drawn.
struct Box<'a> {
    name: &'a str,
    library: &'a str,
    node: &'a Node,
    depth: usize,
    /// Where it begins, as a part of the whole.
    left: f64,
}

/// Returns the flame graph of `figure`, `title` above it, the outermost functions at the bottom. What is negative in a
/// difference is left out. `show` makes a text of an amount.
pub fn flame_graph(report: &Report, figure: Figure, title: &str, show: impl Fn(i64) -> String) -> String {
    let root = tree(report, figure);
    let boxes = boxes(&root);
    let deepest = boxes.iter().map(|one| one.depth).max().unwrap_or(0);
    let height = (deepest + 3) * HEIGHT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100%\" height=\"{height}\" font-family=\"monospace\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"4\" y=\"14\">{}</text>\n",
        escaped(title)
    );
    for one in &boxes {
        draw(&mut svg, one, root.amount, height - (one.depth + 1) * HEIGHT, &show);
    }
    write!(svg, "<script>{}</script>\n</svg>\n", escaped(SCRIPT)).expect("writing to a string");
    svg
}

fn tree(report: &Report, figure: Figure) -> Node {
    let mut root = Node::default();
    for stack in report.stacks.iter().filter(|stack| figure.of(stack.counts) > 0) {
        add(&mut root, stack, figure.of(stack.counts));
    }
    root
}

fn add(root: &mut Node, stack: &NamedStack, amount: i64) {
    root.amount = root.amount.saturating_add(amount);
    let mut node = root;
    for (location, frame) in stack.frames().rev().take(DEEPEST) {
        node = node.children.entry((Rc::clone(&frame.function), Rc::clone(&location.library))).or_default();
        node.amount = node.amount.saturating_add(amount);
    }
}

/// Returns what is wide enough to be seen. It does not call itself: a stack may be deeper than this thread's own.
fn boxes(root: &Node) -> Vec<Box<'_>> {
    let mut waiting = vec![Box { name: "all", library: "", node: root, depth: 0, left: 0.0 }];
    let mut boxes = Vec::new();
    while let Some(one) = waiting.pop() {
        let mut left = one.left;
        for ((name, library), node) in &one.node.children {
            let width = part(node.amount, root.amount);
            if width >= LEAST {
                waiting.push(Box { name, library, node, depth: one.depth + 1, left });
            }
            left += width;
        }
        boxes.push(one);
    }
    boxes
}

fn draw(svg: &mut String, one: &Box<'_>, whole: i64, y: usize, show: &impl Fn(i64) -> String) {
    let Box { name, library, node, depth, left } = one;
    let width = part(node.amount, whole);
    let (name, library) = (escaped(name), escaped(library));
    let (percent, amount) = (width * 100.0, escaped(&show(node.amount)));
    let colour = colour(&name);
    writeln!(
        svg,
        "<svg class=\"f\" data-x=\"{left:.9}\" data-w=\"{width:.9}\" data-d=\"{depth}\" x=\"{:.4}%\" y=\"{y}\" width=\"{percent:.4}%\" \
         height=\"{HEIGHT}\"><title>{name} ({library}): {amount}, {percent:.1} %</title><rect width=\"100%\" height=\"100%\" \
         fill=\"{colour}\" stroke=\"white\"/><text x=\"3\" y=\"13\">{name}</text></svg>",
        left * 100.0
    )
    .expect("writing to a string");
}

fn part(amount: i64, whole: i64) -> f64 {
    if whole == 0 { 1.0 } else { amount as f64 / whole as f64 }
}

/// Returns a warm colour, the same one for the same name.
fn colour(name: &str) -> String {
    let sum = name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("hsl({},80%,{}%)", 10 + sum % 45, 62 + sum / 64 % 14)
}

/// Returns a text as it stands in XML, which has no control characters.
fn escaped(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
