# syntax=docker/dockerfile:1

# The compiler stays behind: the second stage holds the program, its C library and certificate authorities.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin directory-sync

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/directory-sync /usr/local/bin/directory-sync
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/directory-sync"]
CMD ["run"]
