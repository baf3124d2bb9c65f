//! A library that exports a resource with methods, records, variants and results.

use std::cell::RefCell;

wit_bindgen::generate!({ path: "wit" });

use exports::demo::shapes::types::{Guest, GuestPolygon, Point, PolygonBorrow, Shape};

struct Shapes;

struct Polygon {
    name: String,
    corners: RefCell<Vec<Point>>,
}

impl Polygon {
    fn twice_the_area(&self) -> i64 {
        let corners = self.corners.borrow();
        let next = corners.iter().cycle().skip(1);
        let sum = corners.iter().zip(next);
        sum.map(|(a, b)| i64::from(a.x) * i64::from(b.y) - i64::from(b.x) * i64::from(a.y))
            .sum::<i64>()
            .abs()
    }
}

impl Guest for Shapes {
    type Polygon = Polygon;

    fn describe(shape: Shape) -> String {
        match shape {
            Shape::Circle(Point { x, y }) => format!("a circle around ({x}, {y})"),
            Shape::Text(text) => {
                format!("the text {text:?} of {} characters", text.chars().count())
            }
        }
    }
}

impl GuestPolygon for Polygon {
    fn new(name: String) -> Self {
        log(&format!("made {name}"));
        Self {
            name,
            corners: RefCell::default(),
        }
    }

    fn add(&self, point: Point) -> u32 {
        self.corners.borrow_mut().push(point);
        self.corners.borrow().len() as u32
    }

    fn corners(&self) -> Vec<Point> {
        self.corners.borrow().clone()
    }

    fn area(&self) -> Result<f64, String> {
        match self.corners.borrow().len() {
            0..=2 => Err(format!("{} has too few corners", self.name)),
            _ => Ok(self.twice_the_area() as f64 / 2.0),
        }
    }

    fn largest(a: PolygonBorrow<'_>, b: PolygonBorrow<'_>) -> String {
        let (a, b): (&Polygon, &Polygon) = (a.get(), b.get());
        let largest = if a.twice_the_area() < b.twice_the_area() {
            b
        } else {
            a
        };
        largest.name.clone()
    }
}

impl Drop for Polygon {
    fn drop(&mut self) {
        log(&format!("dropped {}", self.name));
    }
}

export!(Shapes);
