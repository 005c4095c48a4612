"""A Streamlit application: a button that shows notes."""

import os

import streamlit as st

st.title("Notes")
if st.button("Begin"):
    for n in range(1, int(os.environ["NOTES"]) + 1):
        st.text(f"note {n}")
