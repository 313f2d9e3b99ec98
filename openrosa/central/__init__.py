"""The Central API: what pyODK, Power BI, Excel and scripts written for ODK Central ask of a server, below `/v1`.

    answers, gate, calls        refusals, who asks, what a handler gets
    people, forms, drafts       sessions, app users, forms and their making
    submissions, reviews        interviews one by one
    odata, filters, columns     typed tables as OData, read from Parquet and never from XML
    exports                     CSV in a zip, GeoJSON
    routes, description         the addresses, and their OpenAPI description

Nothing here ever answers with a personal question: it is absent from tables and blanked in XML.
"""
