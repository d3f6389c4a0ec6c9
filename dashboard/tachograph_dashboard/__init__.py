"""The Streamlit dashboard: reads through the store's reader credential, writes by REST."""
