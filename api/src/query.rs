//! Query strings. A name that stands several times is a list: `?product=cucm&product=imp`.

use crate::error::{Problem, invalid_body};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::value::{Error, SeqDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use std::future::{Ready, ready};

/// A query string. What is unknown, wrong or repeated without being a list is a 422 that names it.
pub(crate) struct Query<T>(pub T);

impl<T> std::ops::Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(text)
        .map_err(|error| invalid_body(&error.to_string()))?
        .into_inner();
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in pairs {
        match fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => fields.push((name, vec![value])),
        }
    }
    let mut fields = fields.into_iter();
    T::deserialize(Fields {
        rest: &mut fields,
        value: None,
    })
    .map_err(|error| invalid_body(&error.to_string()))
}

/// All parameters, each with its values in their order.
struct Fields<'a> {
    rest: &'a mut std::vec::IntoIter<(String, Vec<String>)>,
    value: Option<(String, Vec<String>)>,
}

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.value = self.rest.next();
        match &self.value {
            Some((name, _)) => seed.deserialize(name.as_str().into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (name, values) = self
            .value
            .take()
            .ok_or_else(|| Error::custom("a value without a name"))?;
        seed.deserialize(Values(values))
            .map_err(|error| Error::custom(format!("`{name}`: {error}")))
    }
}

/// The values of one parameter.
struct Values(Vec<String>);

impl Values {
    fn one(self) -> Result<String, Error> {
        let mut values = self.0.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(Error::custom("it can be given once only")),
        }
    }
}

macro_rules! parsed {
    ($($deserialize:ident $visit:ident)*) => {
        $(fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.one()?.parse().map_err(Error::custom)?)
        })*
    };
}

impl<'de> Deserializer<'de> for Values {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.one()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let each = self.0.into_iter().map(|value| Self(vec![value]));
        visitor.visit_seq(SeqDeserializer::new(each))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.one()?.into_deserializer())
    }

    parsed! {
        deserialize_bool visit_bool
        deserialize_u32 visit_u32
        deserialize_u64 visit_u64
        deserialize_i64 visit_i64
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct map
        struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Values {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use uuid::Uuid;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Wanted {
        limit: Option<u64>,
        #[serde(alias = "purpose")]
        store: Vec<String>,
        id: Vec<Uuid>,
        size: Vec<Size>,
        compliant: Option<bool>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Size {
        Small,
        Large,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(transparent)]
    struct Wrapped(Wanted);

    #[test]
    fn a_name_that_stands_several_times_is_a_list() {
        let wanted: Wrapped =
            read("store=a%20b&limit=7&store=c%26d&size=large&size=small&compliant=false&id=00000000-0000-0000-0000-000000000001")
                .expect("it is read");
        let expected = Wanted {
            limit: Some(7),
            store: vec!["a b".into(), "c&d".into()],
            id: vec![Uuid::from_u128(1)],
            size: vec![Size::Large, Size::Small],
            compliant: Some(false),
        };
        assert_eq!(wanted, Wrapped(expected));
        assert_eq!(read::<Wanted>("").expect("nothing is fine"), Wanted::default());
        let alias: Wanted = read("purpose=tomcat").expect("it is read");
        assert_eq!(alias.store, ["tomcat"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, field, code) in [
            ("limit=1&limit=2", "limit", "wrong_type"),
            ("limit=many", "limit", "wrong_type"),
            ("limit=", "limit", "wrong_type"),
            ("size=huge", "size", "wrong_type"),
            ("id=1", "id", "wrong_type"),
            ("colour=red", "colour", "unknown_field"),
        ] {
            let problem = read::<Wanted>(text).expect_err(text);
            assert_eq!(problem.status, 422, "{text}");
            let error = &problem.errors[0];
            assert_eq!((error.field.as_str(), error.code.as_str()), (field, code), "{text}");
        }
    }
}
