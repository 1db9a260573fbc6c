(module
  ;; IMPORTS
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 4096))

  ;; MORE

  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
      (then
        (drop (memory.grow (i32.add (i32.div_u (local.get $size) (i32.const 65536)) (i32.const 2))))))
    (local.get $at))

  ;; A snapshot's fields one by one: now, seed, then pointer and length of each list. The result is where the answer is.
  (func (export "baton:router/routing@0.1.0#route")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    ;; LOCALS
    ;; BODY
  )
)
