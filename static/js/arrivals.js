// The inbox hears at once that something came or went, and asks then instead of every few seconds.

import { follow } from "./live.js"

const APART = 3000 // milliseconds between two questions of one page
const SPREAD = 300 // all pages hear at once: each asks at a moment of its own
const ANYWAY = 30000 // what comes with time alone is told by nobody

let told = false // whether the page is told, and need not ask by itself
let asked = 0
let due = 0

function ask() {
  clearTimeout(due)
  due = 0
  asked = Date.now()
  const news = document.getElementById("news")
  if (news) window.htmx?.trigger(news, "told")
}

function heard(news) {
  if (!news.waits || due) return
  due = setTimeout(ask, Math.max(0, asked + APART - Date.now()) + Math.random() * SPREAD)
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt?.id !== "news" || !told) return
  if (event.detail.requestConfig?.triggeringEvent?.type === "told") return
  if (Date.now() - asked < ANYWAY) event.preventDefault()
  else asked = Date.now()
})

const news = document.querySelector("#news[data-stream]")
if (news) follow({ stream: news.dataset.stream }, "inbox", heard, (how) => { told = how === "on" })
